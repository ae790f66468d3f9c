"""`explain`: the verdict, what lets packets in or why not, the nearest rows, what else to look at."""

from __future__ import annotations

from typing import Any

import pytest

from jtel_constructs import Environment, InputError, compute
from jtel_constructs.answers.explaining import explain
from jtel_constructs.answers.explanation import Explanation, Topic
from jtel_constructs.answers.reasons import Reason
from jtel_constructs.answers.subject import Outcome
from jtel_constructs.exports.emitted import emitted
from tests.verify.building import environment

LB = {"name": "lb2", "roles": ["ACD-LB"]}


def ask(source: str, destination: str, port: str, of: Environment | None = None, **changes: Any) -> Explanation:
    return explain(of or environment(**changes), source, destination, port)


def reasons(answer: Explanation) -> set[Reason]:
    return {refusal.reason for part in answer.parts for refusal in part.refusals}


def looks(answer: Explanation) -> dict[Topic, str]:
    return {look.topic: look.text for look in answer.look}


def test_a_port_that_a_row_opens_names_the_row_its_place_and_the_rule() -> None:
    answer = ask("pbx", "tel", "5061/tcp")
    assert answer.is_open
    (part,) = answer.parts
    assert part.packet == "tcp 203.0.113.10 -> tel:5061"
    (grant,) = part.grants
    assert (grant.rule, grant.text) == (
        "tel_tcp_5060-5061_from_ipv4_203-0-113-10_32",
        "tcp 5060-5061 from block 203.0.113.10/32 to tel",
    )
    (row,) = grant.rows
    assert (row.key, row.place, row.source, row.remark) == ("sips", "Specific Systems, row 8", "document", "")
    assert answer.nearest == ()


@pytest.mark.parametrize(
    ("cloud", "address"),
    [
        ("aws", "aws_vpc_security_group_ingress_rule.demo_tel_tcp_5060-5061_from_ipv4_203-0-113-10_32"),
        ("azure", "azurerm_network_security_rule.demo_tel_tcp_from_pbx_ipv4"),
        ("openstack", "openstack_networking_secgroup_rule_v2.demo_tel_tcp_5060-5061_from_ipv4_203-0-113-10_32"),
    ],
)
def test_the_address_in_terraform_is_named_on_every_cloud(cloud: str, address: str) -> None:
    of = environment(cloud)
    answer = explain(of, "pbx", "tel", "5061/tcp", emitted=emitted(compute(of)))
    assert [grant.addresses for part in answer.parts for grant in part.grants] == [(address,)]


def test_supplements_site_rules_and_narrowed_rows_are_marked() -> None:
    rule = {"name": "metrics", "from": "10.9.0.0/24", "to": "web", "protocol": "tcp", "ports": 9100, "reason": "x"}
    of = environment(supplements=["database-backend"], site_rules=[rule], narrow={"haproxy-web": ["192.0.2.0/30"]})

    def remarks(source: str, destination: str, port: str) -> list[str]:
        parts = explain(of, source, destination, port).parts
        return [row.remark for part in parts for grant in part.grants for row in grant.rows]

    assert set(remarks("web", "db", "3306/tcp")) == {"not in the jtel document"}
    assert remarks("10.9.0.7", "web", "9100/tcp") == ["not in the jtel document"]
    assert remarks("192.0.2.1", "web", "7777/tcp") == ["narrowed"]


@pytest.mark.parametrize(
    ("question", "changes", "reason"),
    [
        (("web", "db", "9999/tcp"), {}, Reason.NO_ROW),
        (("web", "db", "9999/tcp"), {}, Reason.OTHER_PORT),
        (("10.1.1.1", "tel", "5060/udp"), {}, Reason.OTHER_SOURCE),
        (("web", "tel", "2224/tcp"), {}, Reason.NO_ROW),
        (("tel", "web", "20641/udp"), {}, Reason.WRONG_DIRECTION),
        (("web", "web", "2224/tcp"), {"redundant": False}, Reason.REDUNDANCY_OFF),
        (("192.0.2.9", "web", "7777/tcp"), {"narrow": {"haproxy-web": []}}, Reason.NARROWED),
        (("web", "db", "3306/tcp"), {}, Reason.SUPPLEMENT_OFF),
        (("2001:db8::1", "web", "443/tcp"), {}, Reason.FAMILY_OFF),
    ],
)
def test_a_refusal_says_why(question: tuple[str, str, str], changes: dict[str, Any], reason: Reason) -> None:
    answer = ask(*question, **changes)
    assert answer.verdict is Outcome.REFUSED
    assert reason in reasons(answer)
    assert all(part.packet and part.refusals and not part.grants for part in answer.parts)


@pytest.mark.parametrize("source", ["pbx", "203.0.113.10"])
def test_an_empty_peer_is_named_whether_asked_by_its_name_or_by_an_address(source: str) -> None:
    peers: dict[str, list[str]] = {"jtel-support": [], "pbx": [], "reporting-api-users": [], "any": []}
    answer = ask(source, "tel", "5060/udp", peers=peers)
    assert answer.verdict is Outcome.REFUSED
    (part,) = answer.parts
    assert part.refusals[0].reason is Reason.PEER_EMPTY
    assert [row.key for row in part.refusals[0].rows] == ["sip", "sip-internal"]


def test_the_nearest_rows_say_for_whom_they_are() -> None:
    near = ask("10.1.1.1", "tel", "5061/tcp").nearest[0]
    assert (near.row.key, near.but) == ("sips", ("other source",))
    assert near.sources == ("pbx (203.0.113.10/32)", "internal")
    near = ask("web", "db", "20644/udp").nearest[0]
    assert (near.row.source, near.but) == ("supplement", ("supplement off",))


def test_a_block_that_is_let_in_in_part_is_answered_in_parts() -> None:
    answer = ask("192.0.2.0/23", "web", "443/tcp")
    assert answer.verdict is Outcome.PARTLY
    assert [(part.outcome, part.sources) for part in answer.parts] == [
        (Outcome.OPEN, ("192.0.2.0/24",)),
        (Outcome.REFUSED, ("192.0.3.0/24",)),
    ]


def test_a_role_of_several_servers_and_a_range_are_answered_in_parts() -> None:
    answer = ask("ACD-LB", "ACD-LB", "2224-2225/tcp", servers=[LB])
    assert [(part.outcome, part.sources, part.destinations, part.ports) for part in answer.parts] == [
        (Outcome.OPEN, ("lb2", "web"), ("lb2", "web"), "2224"),
        (Outcome.REFUSED, ("lb2", "web"), ("lb2", "web"), "2225"),
    ]


def test_a_port_without_its_protocol_means_both() -> None:
    assert [part.protocol for part in ask("pbx", "tel", "5060").parts] == ["tcp", "udp"]
    assert [(part.protocol, part.ports) for part in ask("web", "db", "icmp").parts] == [("icmp", "all")]


def test_what_a_server_may_send_is_answered_too() -> None:
    assert ask("web", "8.8.8.8", "53/udp").is_open
    closed = ask("web", "8.8.8.8", "53/udp", egress="none")
    assert closed.verdict is Outcome.REFUSED
    assert "egress is none" in closed.parts[0].refusals[0].text


def test_it_says_what_else_to_look_at() -> None:
    topics = [look.topic for look in ask("tel", "tel", "20202/udp").look]
    assert topics == [Topic.BROADCAST, Topic.EGRESS, Topic.ATTACHMENT]
    (egress,) = [look.text for look in ask("web", "db", "22/tcp", egress="none").look if look.topic is Topic.EGRESS]
    assert egress.startswith("egress is none")
    assert Topic.ADDRESS in [look.topic for look in ask("10.0.0.1", "db", "22/tcp").look]


def test_of_many_servers_it_says_how_many_it_does_not_name() -> None:
    names = [f"jb{number}" for number in range(6)]
    looked = looks(ask("internal", "tel", "20643/udp", servers=[{"name": name, "roles": ["ACD-JB"]} for name in names]))
    count = len(ask("internal", "tel", "20643/udp").parts[0].sources) + len(names)
    more = f" and {count - 4} more"
    assert f"{more} may send anywhere over " in looked[Topic.EGRESS]
    assert f"{more}) and demo-internal and sends from a private address" in looked[Topic.ATTACHMENT]
    one = looks(ask("web", "tel", "20643/udp"))[Topic.ATTACHMENT]
    assert one == (
        "it holds for machines that carry the groups demo-tel and demo-internal; a source is known where it carries "
        "the groups demo-web and demo-internal and sends from a private address"
    )


def test_a_group_outside_is_known_by_name_and_id() -> None:
    rule = {
        "name": "jump",
        "from": "group:jump=sg-0123456789abcdef0",
        "to": "db",
        "protocol": "tcp",
        "ports": 22,
        "reason": "x",
    }
    for name in ("group:jump", "group:sg-0123456789abcdef0", "group:jump=sg-0123456789abcdef0"):
        assert ask(name, "db", "22/tcp", site_rules=[rule]).is_open
        assert ask(name, "web", "22/tcp", site_rules=[rule]).verdict is Outcome.REFUSED
    assert ask("group:sg-0000000000000000f", "db", "22/tcp", site_rules=[rule]).verdict is Outcome.REFUSED


@pytest.mark.parametrize(
    ("question", "message"),
    [
        (("wbe", "db", "22/tcp"), "from: unknown name 'wbe'"),
        (("web", "ACD-CHAT", "22/tcp"), "to: no server of demo has the role ACD-CHAT"),
        (("web", "db", "22/sctp"), "port: unknown protocol 'sctp'"),
        (("web", "db", "0/tcp"), "port: port 0 does not exist"),
        (("web", "db", "x/tcp"), "port: 'x' is no port"),
        (("web", "db", "udp/5060"), "port: 'udp/5060' has the protocol first; write 5060/udp"),
        (("web", "db", "80, 443/tcp"), "port: '80, 443/tcp' is more than one port or range; ask for each: 80/tcp, "),
        (("web", "db", "80,443"), "port: '80,443' is more than one port or range; ask for each: 80, 443"),
        (("10.0.0.1/8", "db", "22/tcp"), "from: '10.0.0.1/8' has bits set right of its prefix"),
        (("10.0.0", "db", "22/tcp"), "from: '10.0.0' is no CIDR block"),
        (("8.8.8.8", "9.9.9.9", "22/tcp"), "to: neither 8.8.8.8 nor 9.9.9.9 is a server of demo"),
        (("group:jump", "db", "22/tcp"), "from: 'jump' is no group of demo"),
        (("group:demo-db", "web", "22/tcp"), "from: 'demo-db' is a group of demo itself; ask for db"),
        (("web", "group:demo-internal", "22/tcp"), "to: 'demo-internal' is a group of demo itself; ask for internal"),
    ],
)
def test_a_wrong_question_says_what_is_allowed(question: tuple[str, str, str], message: str) -> None:
    with pytest.raises(InputError, match="^" + message.replace("(", "\\(")):
        ask(*question)


def test_a_server_that_stands_elsewhere_is_known_by_its_addresses() -> None:
    away = {"name": "pc", "roles": ["ACD-LB"], "elsewhere": True, "addresses": ["192.0.2.16/28"]}
    of = environment(servers=[away])
    for source in ("pc", "192.0.2.17"):
        answer = ask(source, "web", "2224/tcp", of)
        assert answer.is_open
        assert [row.key for row in answer.parts[0].grants[0].rows] == ["pcs-daemon"]
    assert ask("pc", "web", "2224/tcp", of).parts[0].sources == ("192.0.2.16/28 (pc)",)
    assert ask("192.0.2.32", "web", "2224/tcp", of).verdict is Outcome.REFUSED
    assert ask("ACD-LB", "web", "2224/tcp", of).parts[0].sources == ("web", "192.0.2.16/28 (pc)")


def test_what_is_open_at_a_server_elsewhere_is_not_of_this_cloud() -> None:
    away = {"name": "pc", "roles": ["ACD-LB"], "elsewhere": True, "addresses": ["192.0.2.16/28"]}
    answer = ask("web", "pc", "443/tcp", environment(servers=[away]))
    assert answer.parts[0].packet == "tcp web -> 192.0.2.17:443"
    said = looks(answer)[Topic.ELSEWHERE]
    assert "Rows ask for this there: https (tcp 443); `jtel firewall --server pc`" in said
    for source, port in (("web", "9999/tcp"), ("db", "2224/tcp")):
        answer = ask(source, "pc", port, environment(servers=[away]))
        assert "no row asks for this there" in looks(answer)[Topic.ELSEWHERE]
    with pytest.raises(InputError, match=r"neither any nor pc is a server with a group .* `jtel firewall --server pc`"):
        ask("any", "pc", "443/tcp", environment(servers=[away]))


def test_an_address_that_the_environment_knows_is_named_as_a_servers() -> None:
    away = {"name": "pc", "roles": ["ACD-LB"], "elsewhere": True, "addresses": ["192.0.2.16/28"]}
    here = {"name": "lb2", "roles": ["ACD-LB"], "addresses": ["10.1.0.0/28"]}
    of = environment(servers=[away, here])
    assert "10.1.0.3: lb2 has addresses there" in looks(ask("10.1.0.3", "web", "2224/tcp", of))[Topic.ADDRESS]
    assert "judged as a stranger's" in looks(ask("10.1.1.3", "web", "2224/tcp", of))[Topic.ADDRESS]
    assert Topic.ADDRESS not in looks(ask("192.0.2.17", "web", "2224/tcp", of))


GROUP = "sg-0123456789abcdef0"


def test_a_server_in_a_group_that_is_there_already_is_known_by_it() -> None:
    existing = {"name": "lb2", "roles": ["ACD-LB"], "group": GROUP}
    of = environment(servers=[existing])
    for source in ("lb2", f"group:{GROUP}"):
        answer = ask(source, "web", "2224/tcp", of)
        assert answer.is_open
        assert [row.key for row in answer.parts[0].grants[0].rows] == ["pcs-daemon"]
    assert len(ask("ACD-LB", "web", "2224/tcp", of).parts[0].sources) == 2
    assert Reason.NO_ROW in reasons(ask("lb2", "web", "9999/tcp", of))
    with pytest.raises(InputError, match="neither pbx nor lb2 is a server with a group"):
        ask("pbx", "lb2", "443/tcp", of)


def test_a_group_that_the_rules_go_onto_is_a_destination() -> None:
    existing = {"name": "lb2", "roles": ["ACD-LB"], "group": GROUP, "open_group": True}
    of = environment(servers=[existing])
    answer = explain(of, "192.0.2.1", "lb2", "443/tcp", emitted=emitted(compute(of)))
    assert answer.is_open
    assert answer.parts[0].grants[0].addresses
    assert looks(answer)[Topic.ATTACHMENT] == f"it holds for machines that carry the group {GROUP}"
    assert ask("192.0.2.1", "lb2", "9999/tcp", of).verdict is Outcome.REFUSED
