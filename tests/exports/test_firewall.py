"""The firewall list: what is on it, what is not, and that it and the cloud's rules together are the document."""

from __future__ import annotations

import csv
import io
import random
from datetime import date
from ipaddress import ip_address, ip_network
from typing import Any

import openpyxl
import pytest
from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis import strategies as st

from jtel_constructs import Environment, ExpressionError, InputError, LimitError, compute
from jtel_constructs.clouds import cloud_of
from jtel_constructs.exports.firewall import Line, firewall_list, without_addresses
from jtel_constructs.exports.firewall_files import COLUMNS, as_csv, as_markdown, as_values, as_xlsx
from tests.asked import Asked, edges, ports_of
from tests.exports.emitted import opens
from tests.generators import Values, environments
from tests.policy.building import rules, server, site_rule

DAY = date(2026, 1, 31)
TEL = {**server("tel", "ACD-TEL"), "addresses": ["192.0.2.16/28", "192.0.2.64/32"], "elsewhere": True}


def lines(*servers: str, **changes: Any) -> tuple[Line, ...]:
    """The list of a system with telephony on premises; `servers` are those that are asked for."""
    found = rules(**{"topology": "small-v3", "servers": [TEL], **changes})
    return firewall_list(found, servers or None)


def listed(some: tuple[Line, ...], source: str, to: str, protocol: str, port: int) -> bool:
    return any(
        line.destination.name == to
        and line.protocol == protocol
        and any(ports.first <= port <= ports.last for ports in line.ports)
        and (line.source.name == source or _holds(line, source))
        for line in some
    )


def _holds(line: Line, source: str) -> bool:
    try:
        return any(ip_address(source) in network for network in line.source.addresses)
    except ValueError:
        return False


def test_a_line_says_all_that_a_firewall_team_asks_for() -> None:
    (line,) = [line for line in lines() if line.id == "rtp" and line.source.name == "pbx"]
    assert as_values([line], "acd", DAY) == [
        {
            "id": "rtp",
            "source": {"name": "pbx", "addresses": ["203.0.113.10/32"]},
            "destination": {"name": "tel", "addresses": ["192.0.2.16/28", "192.0.2.64/32"]},
            "family": "ipv4",
            "protocol": "udp",
            "ports": [{"first": 30000, "last": 34999}],
            "service": "RTP media",
            "why": "jtel document, Specific Systems, row 10",
            "when_required": "always",
            "enforced_by": "firewall",
            "environment": "acd",
            "date": "2026-01-31",
        }
    ]


def test_lets_every_server_reach_it_by_name_and_says_where_addresses_are_not_given() -> None:
    some = [line for line in lines() if line.id == "call-control"]
    assert [line.source.name for line in some] == ["db", "jb", "lb", "tel"]
    assert without_addresses(some) == ("db", "jb", "lb")


def test_only_what_one_server_needs() -> None:
    some = lines("tel")
    assert {line.enforced_by for line in some} == {"cloud", "firewall"}
    assert all("tel" in (line.source.name, line.destination.name) for line in some)
    assert set(some) < set(lines())


def test_refuses_a_server_that_is_not_there() -> None:
    with pytest.raises(InputError, match=r"unknown server 'tell'.*did you mean 'tel'"):
        lines("tell")


def test_nobody_has_no_line_and_a_narrowed_row_says_so() -> None:
    some = lines(narrow={"haproxy-web": ["10.8.0.0/16"]}, peers={**_peers(), "reporting-api-users": []})
    assert "reporting-api-users" not in {line.source.name for line in some}
    (line,) = [line for line in some if line.source.name == "any (narrowed)"]
    assert (line.id, [str(block) for block in line.source.addresses]) == ("haproxy-web", ["10.8.0.0/16"])
    assert line.why.endswith("narrower here than in the document, which has any")
    nobody = lines(narrow={"haproxy-web": []})
    assert {line.source.name for line in nobody if line.id == "haproxy-web"} == {
        *("db", "jb", "lb", "tel", "jtel-support")
    }


def _peers() -> dict[str, list[str]]:
    return {
        "jtel-support": ["198.51.100.0/28"],
        "pbx": ["203.0.113.10/32"],
        "reporting-api-users": ["10.8.0.0/16"],
        "any": ["10.0.0.0/8"],
    }


def test_a_rule_of_the_users_own_names_its_sources_and_its_reason() -> None:
    rule = site_rule(**{"from": ["pbx", "10.9.0.0/24", "lb", "group:jump=sg-0fedcba9876543210"], "to": "tel"})
    some = [line for line in lines(site_rules=[rule]) if line.id == "site:metrics"]
    assert {line.source.name for line in some} == {"pbx", "10.9.0.0/24", "lb", "group:jump"}
    assert {line.why for line in some} == {"not in the jtel document, a rule of your own: for a test"}


def test_a_supplement_says_that_the_document_does_not_have_it() -> None:
    some = [line for line in lines(supplements=["database-backend"]) if line.when.startswith("with supplement")]
    assert some
    assert all(line.why.startswith("not in the jtel document, supplement database-backend: ") for line in some)


def test_one_family_a_line_and_none_where_one_end_has_no_address_of_it() -> None:
    both = {**TEL, "addresses": ["192.0.2.16/28", "2001:db8:7::/64"]}
    some = lines(servers=[both], ip_families=["ipv4", "ipv6"])
    assert {line.family for line in some if line.source.name == "lb"} == {"ipv4", "ipv6"}
    # the telephone system has IPv4 alone
    assert {line.family for line in some if line.source.name == "pbx"} == {"ipv4"}
    for line in some:
        for end in (line.source, line.destination):
            assert all(f"ipv{network.version}" == line.family for network in end.addresses)


@settings(phases=[Phase.generate], max_examples=50, deadline=None, suppress_health_check=list(HealthCheck))
@given(environments(), st.integers(0, 2**32))
def test_the_clouds_rules_and_the_list_together_open_exactly_what_the_document_demands(
    values: Values, seed: int
) -> None:
    environment = Environment.build(values)
    found, asked = compute(environment), Asked(values)
    try:
        plan = cloud_of(environment).emit(found)
    except (LimitError, ExpressionError):
        assume(False)
    some, chosen = firewall_list(found), random.Random(seed)
    here = [one.name for one in found.servers]
    addresses, ports = edges(values), ports_of(values)
    packets = [
        (
            chosen.choice([*asked.servers, *addresses]),
            chosen.choice(list(asked.servers)),
            chosen.choice(("tcp", "udp")),
            chosen.choice(ports),
        )
        for _ in range(200)
    ]
    # and some that are on the list, so that what is open is met as often as what is closed
    packets += [
        (line.source.name, line.destination.name, line.protocol, line.ports[-1].last)
        for line in chosen.sample(some, min(len(some), 100))
        if line.source.server
    ]
    for source, to, protocol, port in packets:
        if not _in_one_family(asked.servers, source, to):
            continue
        demanded = asked.lets(source, to, protocol, port) or any(
            asked.lets(name, to, protocol, port) for name in asked.of(source, list(asked.servers)) if to in asked.away
        )
        if to in asked.away:
            assert listed(some, source, to, protocol, port) == demanded, (source, to, protocol, port)
        elif source in here or source not in asked.servers:
            assert opens(environment, plan, source, to, protocol, port) == demanded, (source, to, protocol, port)
            # the list names what the cloud opens too
            assert listed(some, source, to, protocol, port) or not demanded
        else:
            # a server elsewhere comes by its addresses
            for block in asked.servers[source]["addresses"]:
                address = str(ip_address(block.split("/")[0]))
                assert opens(environment, plan, address, to, protocol, port) or not demanded


def _in_one_family(servers: dict[str, Any], source: str, to: str) -> bool:
    """Whether both ends may have an address of one family; a server whose addresses are not given may have any."""

    def versions(end: str) -> set[int]:
        given = servers[end].get("addresses", []) if end in servers else [end]
        return {ip_network(block).version for block in given} or {4, 6}

    return bool(versions(source) & versions(to))


def _dangerous() -> tuple[Line, ...]:
    rule = site_rule(name="a-1", reason='=HYPERLINK("http://x")\x1b[2J | <b>&', **{"from": "pbx", "to": "tel"})
    return tuple(line for line in lines(site_rules=[rule]) if line.id == "site:a-1")


def test_csv_holds_every_line_and_nothing_that_a_spreadsheet_runs() -> None:
    some = lines()
    rows = list(csv.reader(io.StringIO(as_csv(some, "acd", DAY))))
    assert tuple(rows[0]) == COLUMNS
    assert len(rows) == len(some) + 1
    every = [cell for row in rows for cell in row]
    assert not [cell for cell in every if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]
    assert ",".join(rows[1]).startswith("ssh-linux,db,addresses not given,db,addresses not given,ipv4,tcp,22,")


@pytest.mark.parametrize("start", ["=", "+", "-", "@", " =", "\uff1d"])
def test_csv_marks_what_a_spreadsheet_would_take_for_a_formula(start: str) -> None:
    found = rules(topology="small-v3", servers=[TEL], matrix=None, site_rules=[site_rule(to="tel")])
    (line,) = [line for line in firewall_list(found) if line.id == "site:metrics"]
    text = as_csv([Line(**{**_fields(line), "service": f"{start}1+1"})], "acd", DAY)
    (cell,) = [cell for cell in next(iter(list(csv.reader(io.StringIO(text)))[1:])) if "1+1" in cell]
    assert cell.startswith("'")


def _fields(line: Line) -> dict[str, Any]:
    return {name: getattr(line, name) for name in Line.__slots__}


def test_excel_holds_the_same_cells_as_texts_alone_and_the_same_list_makes_the_same_file() -> None:
    some = (*lines(), *_dangerous())
    data = as_xlsx(some, "acd", DAY)
    assert data == as_xlsx(some, "acd", DAY)
    sheet = openpyxl.load_workbook(io.BytesIO(data)).active
    rows = [[cell.value for cell in row] for row in sheet.iter_rows()]
    assert tuple(rows[0]) == COLUMNS
    assert len(rows) == len(some) + 1
    assert {cell.data_type for row in sheet.iter_rows() for cell in row} == {"s"}
    assert not [cell for row in sheet.iter_rows() for cell in row if cell.hyperlink]


def test_markdown_is_a_table_whatever_the_reason() -> None:
    text = as_markdown(_dangerous(), "acd", DAY)
    assert "\x1b" not in text
    head, rule, row = text.splitlines()
    plain = [line.replace("\\|", "").count("|") for line in (head, rule, row)]
    assert plain == [len(COLUMNS) + 1] * 3
    assert "&lt;b>&amp;" in row


def test_a_server_in_a_group_that_is_managed_elsewhere_is_shown_by_it() -> None:
    group = "sg-0123456789abcdef1"
    existing = {**server("web", "ACD-JB"), "group": group}
    found = firewall_list(rules(topology="small-v3", servers=[existing]), ["web"])
    to = [line for line in found if line.destination.name == "web"]
    assert {line.enforced_by for line in to} == {"firewall"}
    (row, *_) = list(csv.DictReader(io.StringIO(as_csv(to, "acd", DAY))))
    assert row["destination addresses"] == f"group {group}"
    assert as_values(to, "acd", DAY)[0]["destination"] == {"name": "web", "addresses": None, "group": group}
    # rules of real firewalls need its addresses all the same
    assert "web" in without_addresses(found)
