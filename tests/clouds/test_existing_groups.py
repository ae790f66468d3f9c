"""Groups that are managed elsewhere, under the names that a file gives them: what a change of those makes of rules."""

from __future__ import annotations

from typing import Any

import pytest

from jtel_constructs.clouds import Plan
from tests.clouds.samples import FOREIGN_GROUPS, plan, server, site_rule

OTHER = {
    "aws": "sg-0aaaaaaaaaaaaaaaa",
    "azure": FOREIGN_GROUPS["azure"].replace("probes", "others"),
    "openstack": "11111111-2222-3333-4444-555555555555",
}
SOURCE = {
    "aws": "referenced_security_group_id",
    "azure": "source_application_security_group_ids",
    "openstack": "remote_group_id",
}


def _named(cloud: str, name: str, group: str, **more: Any) -> Plan:
    """A load balancer here, and a web server in a group that is managed elsewhere."""
    servers = [server("lb", "ACD-LB"), {**server(name, "ACD-JB"), "group": group, **more}]
    return plan(cloud, servers=servers)


def _rules(found: Plan) -> dict[str, Any]:
    """What rules hold but for their texts and order, by address."""
    left_out = ("description", "depends_on")
    return {
        block.address: {key: value for key, value in block.attributes.items() if key not in left_out}
        for block in found.resources
        if "rule" in block.type
    }


@pytest.mark.parametrize("cloud", ["aws", "openstack"])
@pytest.mark.parametrize("open_group", [False, True])
def test_a_server_in_a_group_of_somebody_else_s_is_renamed_without_a_rule_made_anew(
    cloud: str, open_group: bool
) -> None:
    """The cloud refuses a rule that is there already, and Terraform makes new ones before old ones go."""
    before, after = (_named(cloud, name, FOREIGN_GROUPS[cloud], open_group=open_group) for name in ("web_1", "portal"))
    assert _rules(before) == _rules(after)
    opened = [rule for rule in _rules(before).values() if rule["security_group_id"] == FOREIGN_GROUPS[cloud]]
    assert bool(opened) is open_group


@pytest.mark.parametrize("cloud", ["aws", "openstack"])
def test_a_site_rule_calls_a_group_otherwise_and_no_rule_is_made_anew(cloud: str) -> None:
    sources = [FOREIGN_GROUPS[cloud], f"Scanner={FOREIGN_GROUPS[cloud]}", f"probes={FOREIGN_GROUPS[cloud]}"]
    plain, upper, lower = (plan(cloud, site_rules=[site_rule("a", [f"group:{one}"], to="lb")]) for one in sources)
    assert _rules(plain) == _rules(upper) == _rules(lower)
    # where version 0.1.0 had them: under the label, and where there was none under the group's own id
    over, ours = (
        ("_ipv4", "acd_lb_tcp_9100_from_group_") if cloud == "openstack" else ("", "acd_lb_tcp_9100_from_group_")
    )
    former = [[block.formerly for block in found.resources if block.formerly] for found in (plain, upper, lower)]
    unlabelled = [] if cloud == "openstack" else [f"{ours}{FOREIGN_GROUPS[cloud].rpartition('/')[2]}"]
    assert former == [unlabelled, [f"{ours}Scanner{over}"], [f"{ours}probes{over}"]]


@pytest.mark.parametrize("cloud", ["aws", "azure", "openstack"])
def test_another_group_of_a_server_is_let_in_before_its_machines_go_there(cloud: str) -> None:
    """By rules beside those of the group that they leave, which go after."""
    before, after = (_rules(_named(cloud, "web", group)) for group in (FOREIGN_GROUPS[cloud], OTHER[cloud]))
    of_groups = [
        {address for address, rule in found.items() if group in str(rule.get(SOURCE[cloud]))}
        for found, group in ((before, FOREIGN_GROUPS[cloud]), (after, OTHER[cloud]))
    ]
    assert all(of_groups)
    assert of_groups[0].isdisjoint(of_groups[1])
    if cloud == "azure":
        taken = [
            {found[address]["priority"] for address in mine}
            for found, mine in zip((before, after), of_groups, strict=True)
        ]
        assert taken[0].isdisjoint(taken[1])


@pytest.mark.parametrize("cloud", ["aws", "openstack"])
def test_rules_go_onto_another_group_before_they_leave_the_old_one(cloud: str) -> None:
    groups = (FOREIGN_GROUPS[cloud], OTHER[cloud])
    before, after = (_rules(_named(cloud, "web", group, open_group=True)) for group in groups)
    for group, found, other in ((groups[0], before, after), (groups[1], after, before)):
        opened = {address for address, rule in found.items() if rule["security_group_id"] == group}
        assert opened
        assert opened.isdisjoint(other)
