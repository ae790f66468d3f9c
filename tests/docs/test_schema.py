"""The JSON Schema that editors complete environment files from."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from jtel_constructs import Environment

STACKS = Path(__file__).parents[2] / "stacks"
FILES = sorted((STACKS / "environments").glob("*.yaml"))


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    return Environment.json_schema()


def test_the_file_beside_the_environments_is_what_jtel_schema_prints(schema: dict[str, Any]) -> None:
    kept = json.loads((STACKS / "environment.schema.json").read_text(encoding="utf-8"))
    assert kept == schema, "run: .venv/bin/jtel schema > stacks/environment.schema.json"


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_it_takes_the_shipped_environments_and_they_name_it(file: Path, schema: dict[str, Any]) -> None:
    text = file.read_text(encoding="utf-8")
    Draft202012Validator(schema).validate(yaml.safe_load(text))
    assert text.startswith("# yaml-language-server: $schema=../environment.schema.json\n")


@pytest.mark.parametrize(
    "change",
    [
        {"regoin": "x"},
        {"redundant": "yes"},
        {"topology": "large-v9"},
        {"servers": [{"name": "lb", "roles": ["ACD-LBX"]}]},
        {"peers": {"pbxx": ["10.0.0.0/8"]}},
        {"platform": {"cloud": "aws", "region": "eu-central-1"}},
        {"site_rules": [{"name": "x", "from": "pbx", "to": "internal", "protocol": "tcp", "ports": 0, "reason": "x"}]},
        {"ip_families": []},
        {"narrow": {"http": ["10.0.0.0"]}},
        {"servers": [{"name": "a", "roles": ["ACD-LB"], "addresses": ["256.0.0.0/8"]}]},
        {"acknowledged": ["nonsense"]},
    ],
    ids=lambda change: next(iter(change)),
)
def test_it_refuses_what_the_library_refuses(change: dict[str, Any], schema: dict[str, Any]) -> None:
    right = yaml.safe_load(FILES[0].read_text(encoding="utf-8"))
    assert not Draft202012Validator(schema).is_valid({**right, **change})


@pytest.mark.parametrize(
    ("block", "right"),
    [
        ("10.0.0.0/8", True), ("0.0.0.0/0", True), ("::/0", True), ("2001:db8:5::/48", True), ("::1/128", True),
        ("10.0.0.0", False), ("10.0.0.0/33", False), ("256.0.0.0/8", False), ("::/129", False), ("pbx", False),
    ],
)  # fmt: skip
def test_a_block_has_the_form_of_one(block: str, right: bool, schema: dict[str, Any]) -> None:
    whole = yaml.safe_load(FILES[0].read_text(encoding="utf-8"))
    whole["peers"]["pbx"] = [block]
    assert Draft202012Validator(schema).is_valid(whole) == right


def test_it_completes_what_a_rule_is_from_and_to_and_the_notices(schema: dict[str, Any]) -> None:
    rule = schema["$defs"]["SiteRule"]["properties"]
    assert {"pbx", "internal", "ACD-LB"} <= set(rule["from"]["anyOf"][0]["anyOf"][0]["enum"])
    assert "ACD-LB" in rule["to"]["anyOf"][1]["items"]["anyOf"][0]["enum"]
    assert "supplement-off:store-cluster" in json.dumps(schema["properties"]["acknowledged"])


def test_it_completes_row_keys_and_supplements(schema: dict[str, Any]) -> None:
    assert "haproxy-web" in json.dumps(schema["properties"]["narrow"]["propertyNames"])
    assert "database-backend" in json.dumps(schema["properties"]["supplements"]["items"])
    assert all("description" in schema["$defs"][name] for name in ("Server", "SiteRule", "Limits", "AwsPlatform"))
