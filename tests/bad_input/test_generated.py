"""Environments broken at random: a clear error or rules, never any other exception."""

from __future__ import annotations

import io
from contextlib import redirect_stderr, redirect_stdout, suppress
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from jtel_constructs.cli import main
from jtel_constructs.clouds import cloud_of
from jtel_constructs.errors import InputError, LimitError
from jtel_constructs.policy import Environment, compute
from tests.bad_input.cases import GOOD
from tests.generators import broken, environments

SOUP = st.text(alphabet="abc:-[]{}#&*!|>'\"%@`,? \n\t\\01\u00e4\x00\ufeff", max_size=40)


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("generated") / "environment.yaml"


def _check(file: Path) -> tuple[int, str]:
    said, complained = io.StringIO(), io.StringIO()
    with redirect_stdout(said), redirect_stderr(complained):
        code = main(["check", str(file)])
    assert (said.getvalue() == "") == (code == 2)
    assert (complained.getvalue() == "") == (code == 0)
    return code, complained.getvalue()


@settings(max_examples=60, deadline=None)
@given(environments("aws") | environments("openstack"))
def test_a_right_environment_gives_rules_and_blocks(values: dict[str, Any]) -> None:
    found = compute(Environment.build(values))
    assert cloud_of(found.environment).emit(found).resources


@settings(max_examples=30, deadline=None)
@given(environments("azure"))
def test_a_right_environment_gives_them_on_azure_too_or_names_servers_to_rename(values: dict[str, Any]) -> None:
    found = compute(Environment.build(values))
    try:
        refused = "" if cloud_of(found.environment).emit(found).resources else "nothing"
    except LimitError as error:
        refused = str(error)
    assert all("fall on the same priority" in line for line in refused.splitlines())


@settings(max_examples=150, deadline=None)
@given(broken())
def test_a_broken_environment_gives_rules_or_an_input_error(values: dict[str, Any]) -> None:
    with suppress(InputError):
        found = compute(Environment.build(values))
        cloud_of(found.environment).emit(found)


@settings(max_examples=80, deadline=None)
@given(values=broken())
def test_a_broken_file_is_one_screen_of_errors_with_its_name(values: dict[str, Any], file: Path) -> None:
    file.write_text(yaml.safe_dump(values, allow_unicode=True), encoding="utf-8")
    code, complained = _check(file)
    assert code in (0, 2)
    if code:
        assert complained.startswith(f"error: {file}")
        assert len(complained.splitlines()) <= 20
        assert len(complained) <= 20_000


@settings(max_examples=150, deadline=None)
@given(at=st.integers(0, len(GOOD)), drop=st.integers(0, 6), soup=SOUP)
def test_a_file_with_letter_soup_in_it_is_never_a_crash(at: int, drop: int, soup: str, file: Path) -> None:
    file.write_text(GOOD[:at] + soup + GOOD[at + drop :], encoding="utf-8")
    assert _check(file)[0] in (0, 2)


@settings(max_examples=100, deadline=None)
@given(content=st.binary(max_size=60))
def test_a_file_of_any_bytes_is_never_a_crash(content: bytes, file: Path) -> None:
    file.write_bytes(content)
    assert _check(file)[0] == 2
