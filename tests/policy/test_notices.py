"""Notices have ids, are said once, and not again to an owner who has read them."""

from __future__ import annotations

import pytest

from jtel_constructs.errors import InputError
from jtel_constructs.policy import NOTICE_KINDS
from tests.policy.building import rules, server

WORLD = "0.0.0.0/0"
PEERS = {
    "jtel-support": ["198.51.100.0/28"],
    "pbx": ["203.0.113.10/32"],
    "reporting-api-users": ["10.8.0.0/16"],
    "any": ["10.0.0.0/8"],
}


def _ids(kind: str = "", **changes: object) -> list[str]:
    return [notice.id for notice in rules(**changes).notices if notice.id.startswith(kind)]


def _site_rule(source: str, port: object, protocol: str = "tcp", to: str = "internal") -> dict[str, object]:
    return {"name": "own", "from": source, "to": to, "protocol": protocol, "ports": port, "reason": "x"}


def test_every_notice_is_of_a_kind_that_is_explained_and_said_once() -> None:
    for changes in ({}, {"redundant": False}, {"egress": "none"}, {"servers": [server("a", "ACD-LB")]}):
        found = rules(**changes).notices
        assert len({notice.id for notice in found}) == len({notice.message for notice in found}) == len(found) > 0
        for notice in found:
            kind, _, subject = notice.id.partition(":")
            assert bool(NOTICE_KINDS[kind].subject) == bool(subject)


# -- acknowledged ------------------------------------------------------------------------------------------------------


def test_what_the_owner_has_read_is_not_said_again_and_the_rest_is() -> None:
    every = _ids()
    found = rules(acknowledged=every[:2])
    assert [notice.id for notice in found.notices] == every[2:]
    assert [notice.id for notice in found.acknowledged] == every[:2]
    assert rules(acknowledged=every).notices == ()


def test_acknowledging_changes_no_rule() -> None:
    assert rules(acknowledged=_ids()).rules == rules().rules


@pytest.mark.parametrize("id", ["supplement-off:store-clutser", "egress-none", "role-missing:ACD-TEL", "one-entry:x"])
def test_an_acknowledgement_that_does_not_occur_is_said(id: str) -> None:
    (notice,) = [notice for notice in rules(acknowledged=[id]).notices if notice.id == "not-occurring"]
    assert f"acknowledged names {id}, which does not occur" in notice.message


def test_a_misspelled_subject_gets_a_suggestion() -> None:
    (notice,) = [notice for notice in rules(acknowledged=["one-entry:sotre"]).notices if "acknowledged" in str(notice)]
    assert "did you mean one-entry:store?" in notice.message


@pytest.mark.parametrize(
    ("ids", "words"),
    [
        (["nonsense"], "unknown notice 'nonsense'; allowed: supplement-off:SUPPLEMENT, "),
        (["brodcast"], "did you mean 'broadcast'?"),
        (["supplement-off"], "'supplement-off' is no id of a notice; write supplement-off:SUPPLEMENT"),
        (["supplement-off:"], "write supplement-off:SUPPLEMENT"),
        (["broadcast:20202"], "'broadcast:20202' is no id of a notice; write broadcast"),
        (["broadcast", "broadcast"], "'broadcast' stands twice in the list"),
        (["not-occurring"], "unknown notice 'not-occurring'"),
        ([""], "the text is empty"),
    ],
)
def test_refuses_an_id_that_no_notice_can_have(ids: list[str], words: str) -> None:
    with pytest.raises(InputError, match=r"acknowledged\[") as raised:
        rules(acknowledged=ids)
    assert words in str(raised.value)


# -- open to the whole internet ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("id", "protocol", "port", "open"),
    [
        ("databases", "tcp", 3306, True),
        ("databases", "tcp", "3308-3320", True),
        ("databases", "tcp", 3309, False),
        ("databases", "udp", 3306, False),
        ("file-share", "tcp", 445, True),
        ("file-share", "tcp", 446, False),
        ("sip", "udp", 5060, True),
        ("sip", "tcp", 5061, True),
        ("rtp", "udp", "34999-35001", True),
        ("rtp", "tcp", 30000, False),
    ],
)
def test_tells_what_is_open_to_the_whole_internet_and_nothing_else(
    id: str, protocol: str, port: object, open: bool
) -> None:
    rule = _site_rule(WORLD, port, protocol)
    assert (f"open-to-world:{id}" in _ids("open-to-world", site_rules=[rule])) == open
    assert _ids("open-to-world", site_rules=[{**rule, "from": "198.18.0.0/15"}]) == []


def test_two_halves_of_the_internet_are_the_whole() -> None:
    halves = [_site_rule("0.0.0.0/1", 445), {**_site_rule("128.0.0.0/1", "440-450"), "name": "other"}]
    assert _ids("open-to-world", site_rules=halves[:1]) == []
    (notice,) = [notice for notice in rules(site_rules=halves).notices if notice.id.startswith("open")]
    assert "the whole internet (IPv4) reaches the file share on " in notice.message
    assert "opened by site:own, site:other" in notice.message


def test_a_pbx_that_is_everybody_opens_sip_and_rtp() -> None:
    assert _ids("open-to-world", peers={**PEERS, "pbx": [WORLD]}) == ["open-to-world:sip", "open-to-world:rtp"]
    assert _ids("open-to-world", peers=PEERS) == []


# -- what every system has ---------------------------------------------------------------------------------------------


def test_tells_of_each_role_that_every_system_has_and_this_has_not() -> None:
    assert _ids("role-missing") == []
    only_lb = {"topology": None, "servers": [server("lb", "ACD-LB")]}
    missing = ["TEL", "DBM", "DBS", "DBR", "JB", "STORE"]
    assert _ids("role-missing", **only_lb) == [f"role-missing:ACD-{role}" for role in missing]


def test_a_cluster_of_one_entry_is_told_where_the_system_is_redundant() -> None:
    assert _ids("one-entry", redundant=False) == []
    assert _ids("one-entry") == ["one-entry:dbm", "one-entry:lb", "one-entry:store", "one-entry:tel"]
    two = [server("lb2", "ACD-LB"), server("dbm2", "ACD-DBM")]
    assert _ids("one-entry", topology="one-role-per-server", servers=two) == ["one-entry:store", "one-entry:tel"]
    (notice,) = [notice for notice in rules(topology="small-v1").notices if notice.id == "one-entry:acd"]
    assert "acd is the only entry with ACD-DBM, ACD-LB, ACD-STORE of a redundant system" in notice.message
    assert "it must be several machines" in notice.message
