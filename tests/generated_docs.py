"""Tables of the README and docs/, from the data. `python -m tests.generated_docs` writes them; a test checks them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from jtel_constructs import Environment, LimitError, compute, load_matrix
from jtel_constructs.answers.reasons import MEANINGS as MEANINGS_OF_REASONS
from jtel_constructs.answers.reasons import Reason
from jtel_constructs.clouds import cloud_of
from jtel_constructs.matrix import Row, SupplementRow
from jtel_constructs.policy import NOTICE_KINDS, TOPOLOGIES
from jtel_constructs.readers.differences import Kind

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
PLATFORMS = {
    "aws": {"cloud": "aws", "region": "eu-central-1", "vpc_id": "vpc-0123456789abcdef0"},
    "azure": {"cloud": "azure", "location": "westeurope", "resource_group": "rg-jtel"},
    "openstack": {"cloud": "openstack"},
}
PEERS = {
    "jtel-support": ["198.51.100.0/28"],
    "pbx": ["203.0.113.10/32"],
    "reporting-api-users": ["10.8.0.0/16"],
    "any": ["192.0.2.0/24"],
}


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _what(row: Row | SupplementRow) -> tuple[str, str, str, str]:
    sources = ", ".join(f"`{source}`" if source.islower() else source for source in row.sources)
    destination = f"`{row.destination}`" if row.destination.islower() else row.destination
    ports = ", ".join(map(str, row.ports))
    return "+".join(protocol.upper() for protocol in row.protocols), sources, destination, ports


def rows_table() -> str:
    """The 34 rows of the document."""
    return table(
        ("row", "protocol", "from", "to", "ports", "holds", "what for"),
        (
            (f"`{row.key}`", *_what(row), "always" if row.non_redundant else "redundant", row.title)
            for row in load_matrix().rows
        ),
    )


def supplements_table() -> str:
    """The supplements and their rows."""
    return table(
        ("supplement", "protocol", "from", "to", "ports", "what for"),
        (
            (f"`{supplement.key}`", *_what(row), row.title)
            for supplement in load_matrix().supplements
            for row in supplement.rows
        ),
    )


def clouds_table() -> str:
    """What every topology uses on every cloud, and of which limits."""
    return table(
        ("topology", "redundant", "AWS", "Azure", "OpenStack"),
        (
            (
                f"`{topology}`",
                "yes" if redundant else "no",
                *(_usage(topology, redundant, cloud) for cloud in PLATFORMS),
            )
            for topology in TOPOLOGIES
            for redundant in (True, False)
        ),
    )


_SHOWN = {
    "aws": "{groups} groups, {ingress rules} rules, the largest group {largest group, rules a family}",
    "azure": "{network security groups} NSGs, {application security groups} ASGs, {rules} rules, the largest NSG "
    "{largest NSG, rules}",
    "openstack": "{groups} groups, {rules} rules",
}


def _usage(topology: str, redundant: bool, cloud: str) -> str:
    values = {
        "name": "readme",
        "redundant": redundant,
        "platform": PLATFORMS[cloud],
        "topology": topology,
        "peers": PEERS,
    }
    environment, over = Environment.build(values), ""
    try:
        plan = cloud_of(environment).emit(compute(environment))
    except LimitError:
        environment = Environment.build({**values, "limits": {"security_groups": -1, "security_group_rules": -1}})
        plan, over = cloud_of(environment).emit(compute(environment)), "; more than the default quota"
    # limits in the thousands say nothing here
    used = {
        usage.what: f"{usage.used} of {usage.limit}" if usage.limit and usage.limit < 1000 else str(usage.used)
        for usage in plan.usage
    }
    text = _SHOWN[cloud]
    for what, figure in used.items():
        text = text.replace(f"{{{what}}}", figure)
    return text + over


def notices_table() -> str:
    """The kinds of notices, from the place that the command prints them from."""
    return table(
        ("id", "what it says", "what to do"),
        (
            (f"`{name}:{kind.subject.upper()}`" if kind.subject else f"`{name}`", kind.meaning, kind.mend)
            for name, kind in NOTICE_KINDS.items()
        ),
    )


def findings_table() -> str:
    """The kinds of findings of a proof, as code scanning gets them too."""
    return table(
        ("id", "what", "it means", "what to do"),
        ((f"`{kind.id}`", kind.meaning.title, kind.meaning.text, kind.meaning.mend) for kind in Kind),
    )


def reasons_table() -> str:
    """Why a question is answered with no."""
    return table(("reason", "it means", "what to do"), ((reason, *MEANINGS_OF_REASONS[reason]) for reason in Reason))


# way of use, example; lines of code are counted
_WAYS = (
    ("environment files, deployed by `cdktf deploy`", "stacks/environments/demo-aws.yaml"),
    ("a plain Python app, no Terraform knowledge in it", "examples/python-only/main.py"),
    ("your own app: VPC, instances, another stack that uses a group", "examples/customer-app/main.py"),
    ("the same on Azure: network interfaces, a subnet", "examples/azure-app/main.py"),
    ("the same on OpenStack: ports", "examples/openstack-app/main.py"),
    ("with prebuilt provider bindings, cdktf", "examples/prebuilt-cdktf/main.py"),
    ("with prebuilt provider bindings, cdktn", "examples/prebuilt-cdktn/main.py"),
    ("one component, wired to groups that are there", "examples/component-alone/main.py"),
    ("two stacks that need each other", "examples/two-stacks/main.py"),
    ("two regions, one by an aliased provider", "examples/two-regions/main.py"),
    ("servers on premises and in a cloud", "examples/hybrid/environments/hybrid-aws.yaml"),
    ("a repository with tests of its own", "examples/with-tests/tests/test_contact_centre.py"),
)


def ways_table() -> str:
    """The ways of use, and how many lines each takes: without blank lines, comments and docstrings."""
    return table(
        ("way of use", "lines", "example"),
        ((way, str(_lines(ROOT / file)), f"[{Path(file).parent}]({file})") for way, file in _WAYS),
    )


def _lines(file: Path) -> int:
    text = file.read_text(encoding="utf-8")
    if file.suffix == ".py":
        text = re.sub(r'"""(?:.|\n)*?"""', "", text)
    return sum(1 for line in text.splitlines() if line.strip() and not line.strip().startswith("#"))


TABLES: dict[str, Callable[[], str]] = {
    "rows": rows_table,
    "supplements": supplements_table,
    "clouds": clouds_table,
    "ways": ways_table,
    "notices": notices_table,
    "findings": findings_table,
    "reasons": reasons_table,
}


_PLACE = re.compile(r"<!-- generated: ([\w-]+) -->\n.*?<!-- end -->", re.DOTALL)


def pages() -> list[Path]:
    """The README and every page of docs/."""
    return [README, *sorted((ROOT / "docs").rglob("*.md"))]


def tables_in(text: str) -> list[str]:
    """The names of the generated tables that a page has a place for."""
    return _PLACE.findall(text)


def filled(text: str) -> str:
    """A page with its tables made anew."""
    return _PLACE.sub(lambda place: f"<!-- generated: {place[1]} -->\n{TABLES[place[1]]()}\n<!-- end -->", text)


if __name__ == "__main__":
    for page in pages():
        page.write_text(filled(page.read_text(encoding="utf-8")), encoding="utf-8")
