"""What a YAML file may do that other readers of YAML take for granted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from jtel_constructs.matrix import hints
from jtel_constructs.matrix.files import read_yaml
from jtel_constructs.policy import compute, load_environment
from tests.bad_input.cases import GOOD


def _read(folder: Path, text: str) -> Any:
    path = folder / "file.yaml"
    path.write_text(text, encoding="utf-8")
    return read_yaml(path)


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("base: &b {a: 1, b: 2}\nc: {<<: *b, a: 3}", {"a": 3, "b": 2}),
        ("base: &b {a: 1, b: 2}\nc: {a: 3, <<: *b}", {"a": 3, "b": 2}),
        ("c: {<<: [{a: 1, b: 2}, {b: 3, d: 4}], d: 5}", {"a": 1, "b": 2, "d": 5}),
        ("c: {<<: {<<: {a: 1, b: 2}, b: 3}, x: 4}", {"a": 1, "b": 3, "x": 4}),
        ("one: &o {a: 1}\ntwo: &t {<<: *o, b: 2}\nthree: {<<: *t}\nc: {<<: *t, a: 4}", {"a": 4, "b": 2}),
        ('c: {"<<": 7, a: 1}', {"<<": 7, "a": 1}),
        ("c: {=: 1}", {"=": 1}),
        ("c: {<<: []}", {}),
    ],
)
def test_a_merged_key_gives_way_to_one_that_is_written(tmp_path: Path, text: str, meaning: dict[str, Any]) -> None:
    assert _read(tmp_path, text).data["c"] == meaning


def test_a_merged_key_has_the_line_where_it_is_written(tmp_path: Path) -> None:
    document = _read(tmp_path, "base: &b\n  a: 1\n  b: 2\nc:\n  <<: *b\n  b: 3\n")
    assert document.line(("c", "a")) == 2
    assert document.line(("c", "b")) == 6


@pytest.mark.parametrize(
    "change",
    [
        ("  - {name: lb, roles: [ACD-LB]}", "  - &lb {name: lb, roles: [ACD-LB]}\n  - {<<: *lb, name: lb2}"),
        (
            "  - {name: lb, roles: [ACD-LB]}",
            "  - &a {name: a, roles: [ACD-LB]}\n  - &b {name: b, roles: [ACD-JB], os: linux}\n"
            "  - {<<: [*a, *b], name: lb}",
        ),
        ("name: acme\n", "<<: {redundant: false}\nname: acme\n"),
    ],
    ids=["override", "two", "top"],
)
def test_an_environment_may_merge_mappings(tmp_path: Path, change: tuple[str, str]) -> None:
    path = tmp_path / "acme.yaml"
    path.write_text(GOOD.replace(*change), encoding="utf-8")
    environment = compute(load_environment(path)).environment
    assert environment.redundant
    assert "lb" in {server.name for server in environment.servers}


@pytest.mark.parametrize("text", ["f\u00fcr die B\u00fcros", "plain", "", "\u65e5\u672c", "na\u00efve"])
def test_letters_that_look_like_no_other_are_no_suspects(text: str) -> None:
    assert hints.odd_letter(text) is None


def test_the_reason_may_hold_any_letter(tmp_path: Path) -> None:
    reason = "\u201e\u0430\u0431\u0432\u201c \u2013 f\u00fcr\u00a0alle"
    rule = f"{{name: a, from: db, to: lb, protocol: tcp, ports: 9100, reason: {reason}}}"
    path = tmp_path / "acme.yaml"
    path.write_text(f"{GOOD}site_rules: [{rule}]\n", encoding="utf-8")
    assert load_environment(path).site_rules[0].reason == reason
