"""Supplements, off by default, and the notices that an owner gets."""

from __future__ import annotations

import pytest

from jtel_constructs.errors import InputError
from tests.policy.building import lets, only, rules, server

ALL = ["database-backend", "database-replication", "store-cluster", "database-udp-listener"]


def _notices(words: str, **changes: object) -> list[str]:
    return [notice.message for notice in rules(**changes).notices if words in notice.message]


# -- supplements -------------------------------------------------------------------------------------------------------

# (supplement, server, protocol, port, who gets in with it and nobody without)
OPENED = [
    ("database-backend", "dbm", "tcp", 3306, {"lb"}),
    ("database-backend", "dbs", "tcp", 3306, {"lb"}),
    ("database-backend", "dbr", "tcp", 3306, {"lb"}),
    ("database-replication", "dbm", "tcp", 3306, {"dbm", "dbs", "dbr"}),
    ("database-replication", "dbs", "tcp", 3306, {"dbm"}),
    ("database-replication", "dbr", "tcp", 3306, {"dbm"}),
    *(("store-cluster", "store", "tcp", port, {"store"}) for port in (2224, 3121, 5403, 9929, 7788, 7799)),
    *(("store-cluster", "store", "udp", port, {"store"}) for port in (5404, 5405, 9929)),
    (
        *("database-udp-listener", "dbm", "udp", 20644),
        {"tel", "dbm", "dbs", "dbr", "lb", "jb", "store", "chat", "rest"},
    ),
]


@pytest.mark.parametrize(("supplement", "to", "protocol", "port", "sources"), OPENED)
def test_a_supplement_opens_its_ports_and_the_document_does_not(
    supplement: str, to: str, protocol: str, port: int, sources: set[str]
) -> None:
    assert only(rules(), to, protocol, port) == set()
    assert only(rules(supplements=[supplement]), to, protocol, port) == sources


def test_supplements_hold_in_non_redundant_environments_too() -> None:
    assert lets(rules(supplements=ALL, redundant=False), "lb", "dbm", "tcp", 3306)


def test_the_databases_do_not_reach_one_another_past_the_master() -> None:
    found = rules(supplements=ALL)
    assert not lets(found, "dbs", "dbr", "tcp", 3306)
    assert not lets(found, "dbs", "dbs", "tcp", 3306)


def test_every_rule_of_a_supplement_says_which_row_it_is() -> None:
    documented = {row.key for row in rules().matrix.rows}
    added = {row for rule in rules(supplements=ALL).rules for row in rule.rows} - documented
    assert added == {row.key for supplement in rules().matrix.supplements for row in supplement.rows}


def test_supplements_only_ever_add() -> None:
    bare, full = (set(rules(supplements=names).rules) for names in ([], ALL))
    assert bare < full


def test_refuses_an_unknown_supplement_with_a_suggestion() -> None:
    with pytest.raises(InputError, match=r"^supplements\[1\]: unknown supplement 'store-clster'.*'store-cluster'\?$"):
        rules(supplements=["database-backend", "store-clster"])


def test_refuses_a_supplement_twice() -> None:
    with pytest.raises(InputError, match=r"^supplements\[1\]: 'store-cluster' stands twice in the list$"):
        rules(supplements=["store-cluster", "store-cluster"])


# -- notices -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("supplement", ALL)
def test_a_topology_that_needs_a_supplement_says_so_until_it_is_on(supplement: str) -> None:
    assert len(_notices(f"supplement {supplement} is off")) == 1
    assert not _notices(f"supplement {supplement} is off", supplements=[supplement])
    assert not _notices(f"supplement {supplement} is on")
    assert len(_notices(f"supplement {supplement} is on: its ports are not in the", supplements=[supplement])) == 1


def test_a_notice_says_how_to_switch_the_supplement_on() -> None:
    assert "supplements: [store-cluster]" in _notices("store-cluster is off")[0]


def test_no_notice_of_a_supplement_that_nothing_here_needs() -> None:
    # one server has all databases and the load balancer; one machine keeps the files
    found = rules(topology="small-v1", redundant=False)
    assert [notice.id for notice in found.notices] == ["supplement-off:database-udp-listener"]
    alone = rules(servers=[server("chat", "ACD-CHAT")], redundant=False)
    assert not [notice.id for notice in alone.notices if notice.id.startswith("supplement")]


def test_two_servers_of_a_kind_need_it_although_the_environment_is_not_redundant() -> None:
    servers = [server("m1", "ACD-DBM"), server("m2", "ACD-DBM"), server("s1", "ACD-STORE"), server("s2", "ACD-STORE")]
    found = rules(servers=servers, redundant=False)
    off = [notice.id.partition(":")[2] for notice in found.notices if notice.id.startswith("supplement-off")]
    assert off == ["database-replication", "store-cluster", "database-udp-listener"]


def test_redundant_telephony_is_told_of_the_broadcast_and_gets_the_rule() -> None:
    assert len(_notices("UDP 20202 is a broadcast port")) == 1
    assert lets(rules(), "tel", "tel", "udp", 20202)
    assert not _notices("20202", redundant=False)
    assert not _notices("20202", servers=[server("lb", "ACD-LB")])


def test_no_egress_is_told() -> None:
    assert len(_notices("egress is none", egress="none")) == 1
    assert not _notices("egress")
