"""The data file against the jtel document, whose tables are typed here a second time, by hand, row by row."""

from __future__ import annotations

from collections import Counter

import pytest

from jtel_constructs.matrix import ROLES, Row, load_matrix

LINUX, WINDOWS, SPECIFIC = "All Linux", "All Windows", "Specific Systems"
INTERNALLY = "Ports required Internally"
YES, NO = True, False

# (table, row in it, protocols, sources, destination, ports, non-redundant, redundant), as the document has them.
# "Any (jtel Support)" means both peers, a plain "Any" outside means the peer any, "Any" inside means every server.
DOCUMENT = [
    (LINUX, 1, "tcp", "jtel-support", "all-linux", "22", YES, YES),
    (WINDOWS, 1, "tcp udp", "jtel-support", "all-windows", "3389", YES, YES),
    (SPECIFIC, 1, "tcp", "any jtel-support", "ACD-LB", "80", YES, YES),
    (SPECIFIC, 2, "tcp", "any jtel-support", "ACD-LB", "443", YES, YES),
    (SPECIFIC, 3, "tcp", "reporting-api-users", "ACD-STORE", "445", YES, YES),
    (SPECIFIC, 4, "tcp", "any", "ACD-LB", "3000", YES, YES),
    (SPECIFIC, 5, "tcp", "any", "ACD-LB", "3003", YES, YES),
    (SPECIFIC, 6, "tcp", "reporting-api-users", "ACD-LB", "3306-3308", YES, YES),
    (SPECIFIC, 7, "tcp udp", "pbx", "ACD-TEL", "5060", YES, YES),
    (SPECIFIC, 8, "tcp", "pbx", "ACD-TEL", "5061", YES, YES),
    (SPECIFIC, 9, "tcp", "any jtel-support", "ACD-LB", "7777", YES, YES),
    (SPECIFIC, 10, "udp", "pbx", "ACD-TEL", "30000-34999", YES, YES),
    (INTERNALLY, 1, "tcp", "ACD-LB", "ACD-LB", "2224", NO, YES),
    (INTERNALLY, 2, "tcp", "ACD-LB", "ACD-CHAT", "3000", YES, YES),
    (INTERNALLY, 3, "tcp", "internal", "ACD-LB", "3306", NO, YES),
    (INTERNALLY, 4, "tcp", "internal", "ACD-LB", "3307", NO, YES),
    (INTERNALLY, 5, "tcp", "internal", "ACD-LB", "3308", NO, YES),
    (INTERNALLY, 6, "tcp", "ACD-LB", "ACD-LB", "3121", NO, YES),
    (INTERNALLY, 7, "udp", "pbx", "ACD-TEL", "5060", YES, YES),
    (INTERNALLY, 8, "tcp", "ACD-LB", "ACD-LB", "5403", NO, YES),
    (INTERNALLY, 9, "udp", "ACD-LB", "ACD-LB", "5404", NO, YES),
    (INTERNALLY, 10, "udp", "ACD-LB", "ACD-LB", "5405", NO, YES),
    (INTERNALLY, 11, "tcp", "ACD-DBM", "ACD-DBM", "5701-5801", YES, YES),
    (INTERNALLY, 12, "tcp", "internal", "ACD-JB", "8080", YES, YES),
    (INTERNALLY, 13, "tcp", "ACD-LB", "ACD-REST", "8091", YES, YES),
    (INTERNALLY, 14, "tcp udp", "ACD-LB", "ACD-LB", "9929", NO, YES),
    (INTERNALLY, 15, "udp", "ACD-TEL", "ACD-TEL", "20202", NO, YES),
    (INTERNALLY, 16, "udp", "ACD-JB", "ACD-JB", "20640", YES, YES),
    (INTERNALLY, 17, "udp", "ACD-JB", "ACD-TEL", "20641", YES, YES),
    (INTERNALLY, 18, "udp", "internal", "ACD-TEL", "20643", YES, YES),
    (INTERNALLY, 19, "udp", "internal", "ACD-JB", "20644", YES, YES),
    (INTERNALLY, 20, "udp", "internal", "ACD-TEL", "20645", YES, YES),
    (INTERNALLY, 21, "udp", "internal", "ACD-TEL", "40404", YES, YES),
    (INTERNALLY, 22, "udp", "ACD-JB", "ACD-TEL", "40406", YES, YES),
]

# (supplement, protocols, source, destination, ports): what matrix rows the document lacks, and nobody gets unasked
SUPPLEMENTS = [
    ("database-backend", "tcp", "ACD-LB", "ACD-DBM", "3306"),
    ("database-backend", "tcp", "ACD-LB", "ACD-DBS", "3306"),
    ("database-backend", "tcp", "ACD-LB", "ACD-DBR", "3306"),
    ("database-replication", "tcp", "ACD-DBM", "ACD-DBM", "3306"),
    ("database-replication", "tcp", "ACD-DBS", "ACD-DBM", "3306"),
    ("database-replication", "tcp", "ACD-DBR", "ACD-DBM", "3306"),
    ("database-replication", "tcp", "ACD-DBM", "ACD-DBS", "3306"),
    ("database-replication", "tcp", "ACD-DBM", "ACD-DBR", "3306"),
    ("store-cluster", "tcp", "ACD-STORE", "ACD-STORE", "2224"),
    ("store-cluster", "tcp", "ACD-STORE", "ACD-STORE", "3121"),
    ("store-cluster", "tcp", "ACD-STORE", "ACD-STORE", "5403"),
    ("store-cluster", "udp", "ACD-STORE", "ACD-STORE", "5404"),
    ("store-cluster", "udp", "ACD-STORE", "ACD-STORE", "5405"),
    ("store-cluster", "tcp", "ACD-STORE", "ACD-STORE", "9929"),
    ("store-cluster", "udp", "ACD-STORE", "ACD-STORE", "9929"),
    ("store-cluster", "tcp", "ACD-STORE", "ACD-STORE", "7788-7799"),
    ("database-udp-listener", "udp", "internal", "ACD-DBM", "20644"),
]

# words of the glossary's first column, and the hosts beside them
GLOSSARY = [
    ("telephony", "ACD-TEL"),
    ("database", "ACD-DBM ACD-DBS ACD-DBR"),
    ("database udp listener", "ACD-DBM"),
    ("load balancer", "ACD-LB"),
    ("webserver", "ACD-JB"),
    ("fileshare", "ACD-STORE"),
    ("chat", "ACD-CHAT"),
    ("rest", "ACD-REST"),
]

MATRIX = load_matrix()


def _row_at(table: str, number: int) -> Row:
    found = [row for row in MATRIX.rows if (row.place.table, row.place.row) == (table, number)]
    assert len(found) == 1, f"{table}, row {number}: {[row.key for row in found]}"
    return found[0]


@pytest.mark.parametrize(
    ("table", "number", "protocols", "sources", "destination", "ports", "non_redundant", "redundant"),
    DOCUMENT,
    ids=[f"{table}-{number}".replace(" ", "_") for table, number, *_ in DOCUMENT],
)
def test_a_row_says_what_the_document_says(
    table: str,
    number: int,
    protocols: str,
    sources: str,
    destination: str,
    ports: str,
    non_redundant: bool,
    redundant: bool,
) -> None:
    row = _row_at(table, number)
    assert set(row.protocols) == set(protocols.split())
    assert set(row.sources) == set(sources.split())
    assert row.destination == destination
    assert " ".join(map(str, row.ports)) == ports
    assert row.non_redundant is non_redundant
    assert row.redundant is redundant
    assert row.scope == ("internal" if table == INTERNALLY else "external")


def test_there_are_34_rows_and_no_other_ones() -> None:
    assert len(DOCUMENT) == 34
    assert [(row.place.table, row.place.row) for row in MATRIX.rows] == [
        (table, number) for table, number, *_ in DOCUMENT
    ]


def test_each_table_has_as_many_rows_as_in_the_document() -> None:
    assert Counter(row.place.table for row in MATRIX.rows) == {LINUX: 1, WINDOWS: 1, SPECIFIC: 10, INTERNALLY: 22}
    assert Counter(row.scope for row in MATRIX.rows) == {"external": 12, "internal": 22}


def test_a_row_holds_in_the_environments_of_its_own_columns() -> None:
    for row in MATRIX.rows:
        assert row.holds(redundant=True) is row.redundant
        assert row.holds(redundant=False) is row.non_redundant
    assert sum(row.holds(redundant=False) for row in MATRIX.rows) == 24
    assert sum(row.holds(redundant=True) for row in MATRIX.rows) == 34


def test_every_row_has_a_title_of_its_own_and_a_note() -> None:
    for row in MATRIX.rows:
        assert row.title.strip(), row.key
        assert row.note.strip(), row.key
    for scope in ("external", "internal"):
        titles = [row.title for row in MATRIX.rows if row.scope == scope]
        assert len(set(titles)) == len(titles)


def test_the_supplements_fill_the_documents_gaps_and_no_more() -> None:
    filled = Counter(
        (supplement.key, protocol, source, row.destination, str(ports))
        for supplement in MATRIX.supplements
        for row in supplement.rows
        for protocol in row.protocols
        for source in row.sources
        for ports in row.ports
    )
    assert filled == Counter(SUPPLEMENTS)


def test_supplements_stand_nowhere_among_the_documents_rows() -> None:
    documented = {row.key for row in MATRIX.rows}
    assert not documented & {row.key for supplement in MATRIX.supplements for row in supplement.rows}


def test_the_glossary_names_every_system_with_its_hosts() -> None:
    assert len(MATRIX.glossary) == len(GLOSSARY)
    for entry, (words, hosts) in zip(MATRIX.glossary, GLOSSARY, strict=True):
        assert words in entry.system.lower()
        assert entry.roles == tuple(hosts.split())
        assert entry.function.strip()


def test_the_glossary_explains_all_nine_roles() -> None:
    assert {role for entry in MATRIX.glossary for role in entry.roles} == set(ROLES)
    assert len(ROLES) == 9


def test_the_four_peers_are_those_of_the_document() -> None:
    assert [peer.name for peer in MATRIX.peers] == ["jtel-support", "pbx", "reporting-api-users", "any"]
    assert all(peer.title and peer.note for peer in MATRIX.peers)
    assert {source for row in MATRIX.rows for source in row.sources} >= {peer.name for peer in MATRIX.peers}
