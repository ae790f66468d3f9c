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
    ],
    ids=lambda change: next(iter(change)),
)
def test_it_refuses_what_the_library_refuses(change: dict[str, Any], schema: dict[str, Any]) -> None:
    right = yaml.safe_load(FILES[0].read_text(encoding="utf-8"))
    assert not Draft202012Validator(schema).is_valid({**right, **change})


def test_it_completes_row_keys_and_supplements(schema: dict[str, Any]) -> None:
    assert "haproxy-web" in json.dumps(schema["properties"]["narrow"]["propertyNames"])
    assert "database-backend" in json.dumps(schema["properties"]["supplements"]["items"])
    assert all("description" in schema["$defs"][name] for name in ("Server", "SiteRule", "Limits", "AwsPlatform"))
