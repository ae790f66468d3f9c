"""How differences are put, in which order; the room's public names; how fast it is and what it imports."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import jtel_constructs.answers
import jtel_constructs.readers
from jtel_constructs.matrix import ROLES
from tests.verify.building import CLOUDS, RULES, Bench, environment, resources

AWS = RULES["aws"]


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path, environment())


def test_the_public_names_are_these() -> None:
    assert jtel_constructs.answers.__all__ == [
        "Comparison",
        "Explanation",
        "Permit",
        "Proof",
        "Verdict",
        "compare",
        "explain",
        "find_flow",
        "permits",
        "prove",
    ]
    assert all(getattr(jtel_constructs.answers, name) for name in jtel_constructs.answers.__all__)
    assert jtel_constructs.readers.__all__ == ["Difference", "Snapshot", "read_content", "read_live", "read_terraform"]


def test_a_difference_says_all_of_it_in_one_sentence(bench: Bench) -> None:
    content = bench.changed()
    rules = resources(content, AWS)
    rules["demo_db_tcp_22_from_ipv4_198-51-100-0_28"]["cidr_ipv4"] = "198.51.100.0/27"
    (found,) = bench.prove(content).found
    assert found.to_dict() == {
        "id": "JTEL-V2",
        "kind": "open",
        "direction": "ingress",
        "source": "198.51.100.16/28",
        "destination": "db",
        "protocol": "tcp",
        "ports": "22",
        "packet": "tcp 198.51.100.17 -> db:22",
        "because": [f"{AWS}.demo_db_tcp_22_from_ipv4_198-51-100-0_28"],
        "message": "tcp 22 from 198.51.100.16/28 to db is let through by "
        f"{AWS}.demo_db_tcp_22_from_ipv4_198-51-100-0_28, and nothing demands it; "
        "for example tcp 198.51.100.17 -> db:22",
    }
    json.dumps(found.to_dict())


def test_a_missing_rule_names_its_rows(bench: Bench) -> None:
    content = bench.changed()
    del resources(content, AWS)["demo_web_tcp_80_from_ipv4_192-0-2-0_24"]
    (found,) = bench.prove(content).found
    assert (found.kind, found.because) == ("missing", ("http",))
    assert found.message == (
        "tcp 80 from 192.0.2.0/24 to web is demanded by http and not let through; for example tcp 192.0.2.1 -> web:80"
    )


def test_what_is_missing_comes_before_what_is_open_before_what_cannot_be_told(bench: Bench) -> None:
    content = bench.changed()
    rules = resources(content, AWS)
    del content["output"]
    rules["demo_db_tcp_22_from_internal"]["ip_protocol"] = "bogus"
    del rules["demo_web_tcp_80_from_ipv4_192-0-2-0_24"]
    rules["demo_tel_udp_5060_from_ipv4_203-0-113-10_32"]["cidr_ipv4"] = "203.0.113.10/31"
    found = bench.prove(content).found
    assert [one.kind for one in found] == ["missing", "open", "output", "untold"]
    assert found == bench.prove(content).found


def test_addresses_with_the_same_cause_are_one_difference(tmp_path: Path) -> None:
    blocks = ["10.0.0.0/24", "10.0.1.0/24", "10.2.0.0/24", "10.4.0.0/24", "10.6.0.0/24"]
    peers = {"pbx": blocks, "jtel-support": [], "reporting-api-users": [], "any": []}
    bench = Bench(tmp_path, environment(peers=peers))
    content = bench.changed()
    rules = resources(content, AWS)
    for name in [name for name in rules if "udp_5060_from_ipv4" in name]:
        del rules[name]
    (found,) = bench.prove(content).found
    assert found.source == "10.0.0.0/23, 10.2.0.0/24, 10.4.0.0/24 and 1 more ranges"


def test_what_differs_in_one_family_names_it(tmp_path: Path) -> None:
    bench = Bench(tmp_path, environment("openstack", ip_families=["ipv4", "ipv6"]))
    content = bench.changed()
    del resources(content, RULES["openstack"])["demo_db_tcp_22_from_internal_ipv4_22"]
    found = bench.prove(content).found
    assert [one.packet for one in found] == [f"tcp {name} -> db:22 over IPv4" for name in ("db", "tel", "web")]
    del resources(content, RULES["openstack"])["demo_db_tcp_22_from_internal_ipv6_22"]
    found = bench.prove(content).found
    assert [one.packet for one in found] == [f"tcp {name} -> db:22" for name in ("db", "tel", "web")]


def test_the_summary_counts_what_was_compared(bench: Bench) -> None:
    proof = bench.prove(bench.stack)
    assert proof.summary == (
        "9 ordered pairs of servers, 10 classes of all IPv4 and IPv6 addresses, 3 destinations; "
        "tcp, udp and every other protocol, all 65,536 ports"
    )


def test_reading_a_file_imports_nothing_that_writes_one_and_no_sdk(bench: Bench) -> None:
    path = bench.folder / "cdk.tf.json"
    path.write_text(json.dumps(bench.stack), encoding="utf-8")
    program = (
        "import sys; from pathlib import Path\n"
        "from tests.verify.building import environment\n"
        "from jtel_constructs.policy import compute\n"
        "from jtel_constructs.answers import prove\n"
        "from jtel_constructs.readers import read_terraform\n"
        "of = environment()\n"
        f"assert prove(compute(of), read_terraform(Path({str(path)!r}), of)).proved\n"
        "loaded = {name.split('.')[0] for name in sys.modules} | set(sys.modules)\n"
        "print(sorted(loaded & {'jtel_constructs.clouds', 'jtel_constructs.constructs', 'jtel_constructs.cli',"
        " 'cdktf', 'cdktn', 'jsii', 'boto3', 'botocore', 'openstack', 'keystoneauth1'}))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2]
    )
    assert done.stdout == "[]\n"


_ROOMS = {
    "matrix": ("matrix",),
    "reach": ("reach",),
    "policy": ("policy", "matrix"),
    "clouds": ("clouds", "policy", "matrix"),
    "constructs": ("constructs", "clouds", "policy", "matrix"),
    "readers": ("readers", "reach", "policy", "matrix"),
    "answers": ("answers", "readers", "reach", "policy", "matrix"),
    "exports": ("exports", "answers", "readers", "clouds", "reach", "policy", "matrix"),
    "testing": ("constructs", "answers", "exports", "readers", "clouds", "policy", "matrix"),
    # node starts with constructs
    "cli": ("cli", "answers", "exports", "readers", "clouds", "reach", "policy", "matrix"),
}


_EVERYBODY = ("errors", "processes", "wording", "writing")
_HOUSE = Path(jtel_constructs.readers.__file__).parents[1]


def _imports(path: Path) -> Iterator[str]:
    """What a file imports of ours, wherever in it: modules, and names with their modules."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (one.name for one in node.names if one.name.startswith("jtel_constructs"))
        elif isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("jtel_constructs"):
            assert node.level == 0
            yield from (f"{node.module}.{one.name}" for one in node.names)


@pytest.mark.parametrize("room", _ROOMS)
def test_a_room_imports_only_what_stands_below_it(room: str) -> None:
    allowed = tuple(f"jtel_constructs.{below}" for below in (*_ROOMS[room], *_EVERYBODY))
    files = [*(_HOUSE / room).rglob("*.py")] or [_HOUSE / f"{room}.py"]
    for path in files:
        for name in _imports(path):
            assert name.startswith(allowed), (path, name)


def test_every_room_is_looked_at() -> None:
    rooms = {path.name for path in _HOUSE.iterdir() if path.is_dir() and path.name != "__pycache__"}
    assert rooms | {"testing"} == set(_ROOMS)
    assert {path.stem for path in _HOUSE.glob("*.py")} == {"__init__", "testing", *_EVERYBODY}


def test_no_two_files_import_each_other_not_even_by_way_of_others() -> None:
    files = {}
    for path in _HOUSE.rglob("*.py"):
        parts = ("jtel_constructs", *path.relative_to(_HOUSE).with_suffix("").parts)
        files[".".join(parts).removesuffix(".__init__")] = path
    needs = {
        name: {other if other in files else other.rpartition(".")[0] for other in _imports(path)}
        for name, path in files.items()
    }
    seen: dict[str, bool] = {}

    def visit(name: str, way: tuple[str, ...]) -> None:
        if name in way:
            pytest.fail(" -> ".join((*way[way.index(name) :], name)))
        if name not in seen:
            for other in sorted(needs[name]):
                visit(other, (*way, name))
            seen[name] = True

    for name in files:
        visit(name, ())


@pytest.mark.parametrize("cloud", CLOUDS)
def test_a_large_environment_is_proved_in_seconds(tmp_path: Path, cloud: str) -> None:
    servers = [{"name": f"s{index}", "roles": [ROLES[index % 9]], "os": "linux"} for index in range(30)]
    names = ("jtel-support", "pbx", "reporting-api-users", "any")
    peers = {
        name: [f"10.{place}.{index * 4}.0/23" for index in range(25)]
        + [f"2001:db8:{place}:{index:x}::/64" for index in range(25)]
        for place, name in enumerate(names)
    }
    of = environment(cloud, topology=None, servers=servers, peers=peers, ip_families=["ipv4", "ipv6"])
    bench = Bench(tmp_path, of)
    start = time.process_time()
    proof = bench.prove(bench.stack)
    assert time.process_time() - start < 4
    assert proof.found == ()
    assert proof.server_pairs == 900
    assert proof.stranger_classes >= 300
