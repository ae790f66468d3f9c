"""The hybrid systems that the project ships: proved on each cloud, their lists whole, their sites in agreement."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from jtel_constructs.answers import prove
from jtel_constructs.exports.firewall import firewall_list, without_addresses
from jtel_constructs.exports.firewall_rules import FIREWALLS, firewall_rules
from jtel_constructs.exports.terraform_module import terraform_module
from jtel_constructs.policy import compute, contradictions, load_environment
from jtel_constructs.readers import read_terraform

HYBRID = Path(__file__).parents[2] / "examples/hybrid"
FILES = [*sorted((HYBRID / "environments").glob("*.yaml")), *sorted((HYBRID / "two-sites").glob("*.yaml"))]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_it_is_proved_and_has_no_group_for_what_stands_elsewhere(file: Path, tmp_path: Path) -> None:
    environment = load_environment(file)
    rules = compute(environment)
    stack = tmp_path / "main.tf.json"
    stack.write_text(terraform_module(rules, "tf-json")["main.tf.json"])
    assert prove(rules, read_terraform(stack, environment)).proved
    content = json.loads(stack.read_text())
    assert sorted(content["output"]["acd_servers"]["value"]) == [server.name for server in rules.servers]
    names = {body.get("name") for by_name in content["resource"].values() for body in by_name.values()}
    for server in rules.elsewhere:
        assert environment.group_name(server.name) not in names


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_its_list_is_whole_and_every_kind_of_firewall_takes_it(file: Path) -> None:
    rules = compute(load_environment(file))
    away = [server.name for server in rules.elsewhere]
    lines = firewall_list(rules, away)
    assert lines
    assert without_addresses(lines) == ()
    for form in FIREWALLS:
        assert firewall_rules(lines, form=form, environment="acd", protect=away)


def test_the_two_sites_agree_and_the_three_clouds_are_three_systems() -> None:
    assert contradictions(compute(load_environment(file)) for file in FILES) == ()
