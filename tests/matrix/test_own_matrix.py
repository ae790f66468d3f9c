"""A matrix file of the user's own: what is taken, and what is refused with the row that is wrong."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from jtel_constructs.errors import InputError
from jtel_constructs.matrix import load_matrix
from jtel_constructs.policy import Environment, compute

GOOD = """\
glossary:
  - {system: Webservers, roles: [ACD-JB], function: Serve the pages.}
peers:
  - {name: jtel-support, title: Support, note: Remote maintenance.}
  - {name: pbx, title: PBX, note: Telephone systems.}
  - {name: reporting-api-users, title: Reporting, note: Business intelligence.}
  - {name: any, title: Any, note: Everybody else.}
rows:
  - key: web
    title: Web pages
    scope: external
    place: {table: Outside, row: 1}
    protocols: [tcp]
    sources: [any]
    destination: ACD-JB
    ports: [8080]
    redundant: true
    non_redundant: true
  - key: media
    title: Streams over UDP
    scope: internal
    place: {table: Inside, row: 1}
    protocols: [udp]
    sources: [ACD-TEL, internal]
    destination: ACD-TEL
    ports: [30000-30999, 40000]
    redundant: true
    non_redundant: false
supplements:
  - key: metrics
    title: Metrics
    note: Not in the document.
    rows:
      - {key: metrics-web, title: Metrics, protocols: [tcp], sources: [internal], destination: ACD-JB, ports: [9100]}
"""


@dataclass(frozen=True)
class Wrong:
    """`new` in place of `old` makes the matrix wrong; the message starts with `where` and says every one of `words`."""

    name: str
    old: str
    new: str
    where: str
    words: tuple[str, ...]


WRONG = [
    Wrong("duplicate key", "key: media", "key: web", "rows[1].key", ("row web", "two rows have this key")),
    Wrong(
        "duplicate key in a supplement",
        "key: metrics-web",
        "key: web",
        "supplements[0].rows[0].key",
        ("row web", "two rows have this key"),
    ),
    Wrong("key with capitals", "key: media", "key: Media", "rows[1].key", ("row Media", "lower-case letters")),
    Wrong("key with an underscore", "key: media", "key: me_dia", "rows[1].key", ("'me_dia' is no key", "hyphens")),
    Wrong("key too long", "key: media", f"key: {'m' * 41}", "rows[1].key", ("40 at the most",)),
    Wrong("key missing", "- key: web\n    title", "- title", "rows[0].key", ("this key is missing",)),
    Wrong(
        "port 0", "ports: [8080]", "ports: [0]", "rows[0].ports[0]", ("row web", "port 0 does not exist", "1 to 65535")
    ),
    Wrong(
        "port 65536", "ports: [8080]", "ports: [65536]", "rows[0].ports[0]", ("row web", "port 65536 does not exist")
    ),
    Wrong("range from 0", "30000-30999", "0-30999", "rows[1].ports[0]", ("row media", "port 0 does not exist")),
    Wrong(
        "reversed range",
        "30000-30999",
        "30999-30000",
        "rows[1].ports[0]",
        ("row media", "reversed", "write 30000-30999"),
    ),
    Wrong(
        "port as a word",
        "ports: [8080]",
        "ports: [http]",
        "rows[0].ports[0]",
        ("row web", "'http' is no port", "5701-5801"),
    ),
    Wrong(
        "port with a leading zero",
        "ports: [8080]",
        "ports: ['0080']",
        "rows[0].ports[0]",
        ("row web", "'0080' is no port"),
    ),
    Wrong("no port", "ports: [8080]", "ports: []", "rows[0].ports", ("row web", "the list is empty")),
    Wrong("port twice", "30000-30999, 40000", "40000, 40000", "rows[1]", ("row media", "ports lists a value twice")),
    Wrong(
        "unknown destination",
        "destination: ACD-JB\n",
        "destination: ACD-WEB\n",
        "rows[0].destination",
        ("row web", "'ACD-WEB'", "allowed: ACD-TEL", "all-windows"),
    ),
    Wrong(
        "unknown source role",
        "[ACD-TEL, internal]",
        "[ACD-TELL, internal]",
        "rows[1].sources[0]",
        ("row media", "'ACD-TELL'", "did you mean 'ACD-TEL'?"),
    ),
    Wrong(
        "a block as a source",
        "sources: [any]",
        "sources: [10.0.0.0/8]",
        "rows[0].sources[0]",
        ("row web", "'10.0.0.0/8'", "jtel-support"),
    ),
    Wrong("no source", "sources: [any]", "sources: []", "rows[0].sources", ("row web", "the list is empty")),
    Wrong(
        "source twice",
        "[ACD-TEL, internal]",
        "[internal, internal]",
        "rows[1]",
        ("row media", "sources lists a value twice"),
    ),
    Wrong(
        "external row from a role",
        "sources: [any]",
        "sources: [any, ACD-LB]",
        "rows[0]",
        ("row web", "an external row's sources are peers, not ACD-LB"),
    ),
    Wrong(
        "external row from internal",
        "sources: [any]",
        "sources: [internal]",
        "rows[0]",
        ("row web", "peers, not internal"),
    ),
    Wrong(
        "external row with a flag off",
        "    redundant: true\n    non_redundant: true",
        "    redundant: false\n    non_redundant: true",
        "rows[0]",
        ("row web", "external rows hold in every environment"),
    ),
    Wrong(
        "row that never holds",
        "    redundant: true\n    non_redundant: false",
        "    redundant: false\n    non_redundant: false",
        "rows[1]",
        ("row media", "neither in redundant nor in non-redundant"),
    ),
    Wrong(
        "flag as text",
        "non_redundant: false",
        "non_redundant: 'No'",
        "rows[1].non_redundant",
        ("row media", "must be true or false, not 'No'"),
    ),
    Wrong(
        "title against protocol",
        "title: Streams over UDP",
        "title: Streams over TCP",
        "rows[1]",
        ("row media", "the title names tcp, the protocols are udp"),
    ),
    Wrong(
        "title in a supplement against protocol",
        "title: Metrics, prot",
        "title: Metrics (UDP), prot",
        "supplements[0].rows[0]",
        ("row metrics-web", "the title names udp"),
    ),
    Wrong(
        "unknown protocol",
        "protocols: [udp]",
        "protocols: [sctp]",
        "rows[1].protocols[0]",
        ("row media", "'sctp'", "allowed: tcp, udp"),
    ),
    Wrong(
        "protocol in capitals",
        "protocols: [udp]",
        "protocols: [UDP]",
        "rows[1].protocols[0]",
        ("row media", "did you mean 'udp'?"),
    ),
    Wrong("no protocol", "protocols: [udp]", "protocols: []", "rows[1].protocols", ("row media", "the list is empty")),
    Wrong(
        "protocol twice",
        "protocols: [udp]",
        "protocols: [udp, udp]",
        "rows[1]",
        ("row media", "protocols lists a value twice"),
    ),
    Wrong(
        "unknown scope",
        "scope: internal",
        "scope: inside",
        "rows[1].scope",
        ("row media", "'inside'", "external, internal"),
    ),
    Wrong(
        "unknown key",
        "scope: internal",
        "scop: internal",
        "rows[1].scop",
        ("row media", "unknown key 'scop'", "did you mean 'scope'?"),
    ),
    Wrong("title missing", "    title: Web pages\n", "", "rows[0].title", ("row web", "this key is missing")),
    Wrong("empty title", "title: Web pages", "title: ''", "rows[0].title", ("row web", "the text is empty")),
    Wrong(
        "same place twice",
        "{table: Inside, row: 1}",
        "{table: Outside, row: 1}",
        "rows[1].place",
        ("row media", "same place (Outside, row 1)"),
    ),
    Wrong(
        "place from 0",
        "{table: Inside, row: 1}",
        "{table: Inside, row: 0}",
        "rows[1].place.row",
        ("row media", "must be at least 1, not 0"),
    ),
    Wrong("place as text", "{table: Inside, row: 1}", "Inside", "rows[1].place", ("row media", "must be a mapping")),
    Wrong(
        "port 0 in a supplement",
        "ports: [9100]",
        "ports: [0]",
        "supplements[0].rows[0].ports[0]",
        ("row metrics-web", "port 0 does not exist"),
    ),
    Wrong(
        "supplement without a note",
        "    note: Not in the document.\n",
        "",
        "supplements[0].note",
        ("supplement metrics: this key is missing",),
    ),
    Wrong(
        "peer missing",
        "  - {name: pbx, title: PBX, note: Telephone systems.}\n",
        "",
        "peers",
        ("each of jtel-support, pbx, reporting-api-users, any must stand here",),
    ),
    Wrong("unknown peer", "name: pbx", "name: pxb", "peers[1].name", ("'pxb'", "did you mean 'pbx'?")),
    Wrong(
        "unknown role in the glossary",
        "roles: [ACD-JB]",
        "roles: [ACD-J]",
        "glossary[0].roles[0]",
        ("'ACD-J'", "did you mean 'ACD-JB'?"),
    ),
    Wrong("row as text", "  - key: media", "  - web again\n  - key: media", "rows[1]", ("must be a mapping",)),
]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "ports.yaml"
    path.write_text(GOOD, encoding="utf-8")
    return path


def test_lets_a_matrix_of_ones_own(file: Path) -> None:
    matrix = load_matrix(file)
    assert [row.key for row in matrix.rows] == ["web", "media"]
    assert [str(ports) for ports in matrix.rows[1].ports] == ["30000-30999", "40000"]
    assert matrix.supplements[0].rows[0].key == "metrics-web"


@pytest.mark.parametrize("wrong", WRONG, ids=lambda wrong: wrong.name.replace(" ", "-"))
def test_refuses_a_wrong_matrix_and_names_the_row(wrong: Wrong, file: Path) -> None:
    assert GOOD.count(wrong.old) == 1, "the replaced text stands there once"
    file.write_text(GOOD.replace(wrong.old, wrong.new), encoding="utf-8")
    with pytest.raises(InputError) as caught:
        load_matrix(file)
    assert len(caught.value.problems) == 1, str(caught.value)
    problem = caught.value.problems[0]
    assert problem.where == wrong.where
    assert [word for word in wrong.words if word not in problem.message] == []
    assert str(caught.value).startswith(f"{file}:{problem.line}: ")


def test_the_line_is_that_of_the_wrong_value(file: Path) -> None:
    file.write_text(GOOD.replace("40000]", "70000]"), encoding="utf-8")
    line = next(number for number, text in enumerate(GOOD.splitlines(), 1) if "40000" in text)
    with pytest.raises(
        InputError, match=rf"^{file}:{line}: rows\[1\]\.ports\[1\]: row media: port 70000 does not exist"
    ):
        load_matrix(file)


def test_refuses_two_rows_of_one_scope_with_the_same_title(file: Path) -> None:
    text = GOOD.replace("scope: external", "scope: internal").replace("title: Streams over UDP", "title: Web pages")
    file.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match="row media: another internal row has the same title"):
        load_matrix(file)


def test_refuses_two_supplements_with_the_same_key(file: Path) -> None:
    again = GOOD[GOOD.index("  - key: metrics\n") :].replace("metrics-web", "metrics-other")
    file.write_text(GOOD + again, encoding="utf-8")
    with pytest.raises(InputError, match=r"supplement metrics: two supplements have this key"):
        load_matrix(file)


def test_refuses_a_matrix_without_rows(file: Path) -> None:
    file.write_text(GOOD[: GOOD.index("rows:")] + "rows: []\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"rows: the list is empty"):
        load_matrix(file)


def test_refuses_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"ports\.yaml: there is no such file"):
        load_matrix(tmp_path / "ports.yaml")


def test_an_environment_goes_by_its_own_matrix(file: Path) -> None:
    environment = Environment.build(
        {
            "name": "acme",
            "redundant": True,
            "platform": {"cloud": "aws", "region": "eu-central-1", "vpc_id": "vpc-0123456789abcdef0"},
            "servers": [{"name": "jb", "roles": ["ACD-JB"]}, {"name": "tel", "roles": ["ACD-TEL"]}],
            "peers": {"any": ["10.0.0.0/8"]},
            "matrix": str(file),
            "supplements": ["metrics"],
        }
    )
    assert {
        (rule.destination, rule.protocol, str(rule.ports), str(rule.source)) for rule in compute(environment).rules
    } == {
        ("jb", "tcp", "8080", "10.0.0.0/8"),
        ("jb", "tcp", "8080", "internal"),
        ("jb", "tcp", "9100", "internal"),
        ("tel", "udp", "30000-30999", "internal"),
        ("tel", "udp", "40000", "internal"),
    }


def test_an_environment_does_not_get_a_supplement_that_its_own_matrix_lacks(file: Path) -> None:
    environment = Environment.build(
        {
            "name": "acme",
            "redundant": False,
            "platform": {"cloud": "aws", "region": "eu-central-1", "vpc_id": "vpc-0123456789abcdef0"},
            "servers": [{"name": "jb", "roles": ["ACD-JB"]}],
            "peers": {"any": []},
            "matrix": str(file),
            "supplements": ["store-cluster"],
        }
    )
    with pytest.raises(InputError, match=r"supplements\[0\]: unknown supplement 'store-cluster'; allowed: metrics"):
        compute(environment)
