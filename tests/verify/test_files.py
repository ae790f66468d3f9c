"""Files that are no stack, and stacks with junk in them: a clear error or a difference, never a traceback."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from jtel_constructs.errors import ProofError
from jtel_constructs.readers import read_terraform
from tests.verify.building import CLOUDS, Bench, environment

JUNK: list[Any] = [None, "", "?", "${x.y.z}", -1, 10**30, 1.5, True, [], [None], {}, {"a": {}}, [{}], [[]]]


def harmless(path: tuple[Any, ...], junk: Any) -> bool:
    """Whether a place in a stack changes no packet."""
    if any(part in ("tags", "description", "location", "vpc_id", "//") for part in path):
        return True
    if path[-3:-2] == ("azurerm_application_security_group",):
        return bool(path[-1] == "resource_group_name")
    # without a remote, egress goes anywhere, as it should
    return path[-2:] == ("demo_tel_ipv4", "remote_ip_prefix") and (junk is None or junk == "")


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from places(item, (*path, key))


def answer(bench: Bench, content: Any) -> str:
    """What is wrong with a stack, in words; empty if nothing is."""
    try:
        return " ".join(one.message for one in bench.prove(content).found)
    except ProofError as error:
        return str(error)


@pytest.mark.parametrize("cloud", CLOUDS)
@pytest.mark.parametrize("junk", JUNK, ids=repr)
def test_junk_anywhere_is_a_difference_or_a_clear_error(tmp_path: Path, cloud: str, junk: Any) -> None:
    nobody = dict.fromkeys(("jtel-support", "reporting-api-users", "any"), ())
    servers = [{"name": "tel", "roles": ["ACD-TEL"]}]
    bench = Bench(
        tmp_path, environment(cloud, topology=None, servers=servers, peers={"pbx": ["203.0.113.10/32"], **nobody})
    )
    for path in places(bench.stack):
        if not path or harmless(path, junk):
            continue
        content: Any = bench.changed()
        target = content
        for part in path[:-1]:
            target = target[part]
        if target[path[-1]] == junk:
            continue
        target[path[-1]] = copy.deepcopy(junk)
        assert answer(bench, content), (path, junk)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "this is not valid JSON"),
        ("{", "this is not valid JSON"),
        ("[]", "this is not Terraform's JSON"),
        ("{}", "this is not Terraform's JSON"),
        ('{"resource": []}', "none of the groups of demo"),
        ('{"resource": 3}', "resource must be an object"),
        ('{"resource": {"a": {"b": 1}}}', "a.b must be an object"),
        ('{"resource": {}, "resource": {}}', "'resource' stands twice"),
        ('{"resource": {"a": [{"b": {}}, {"b": {}}]}}', "resource a.b stands twice"),
        # Terraform 1.11 writes just this where nothing was ever applied
        ('{"format_version": "1.0"}', "this state is empty, nothing was ever applied"),
        ('{"format_version": "1.0", "values": []}', "values must be an object"),
        ('{"format_version": "1.0", "values": {"root_module": {"resources": {}}}}', "must be a list"),
        ('{"format_version": "1.0", "values": {}}', "none of the groups of demo"),
        ('{"version": 4, "resources": [1]}', "resources must be an object"),
        ('{"version": 3, "resources": []}', "this is not Terraform's JSON"),
        ('{"planned_values": {}, "errored": true}', "could not finish this plan"),
        ('{"planned_values": [], "configuration": {}}', "planned_values must be an object"),
        ('{"planned_values": {}, "resource_changes": [{}]}', "resource_changes.change must be an object"),
        ('{"planned_values": {}, "configuration": []}', "configuration must be an object"),
        ("[" * 100_000, "nested too deeply"),
        ('{"resource": {"a": {"b": {"c": ' + "[" * 900 + "]" * 900 + "}}}}", "nested too deeply"),
    ],
)
def test_a_file_that_is_no_stack_is_refused(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "cdk.tf.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ProofError) as caught:
        read_terraform(path, environment())
    assert says in str(caught.value)
    assert str(path) in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ProofError, match="there is no such file"):
        read_terraform(tmp_path / "none", environment())
    with pytest.raises(ProofError, match="this is a directory"):
        read_terraform(tmp_path, environment())
    binary = tmp_path / "plan"
    binary.write_bytes(b"PK\x03\x04\xff\xfe")
    with pytest.raises(ProofError, match="terraform show -json PLAN"):
        read_terraform(binary, environment())
    binary.write_text('{"format_version": "1.0"}', encoding="utf-16")
    with pytest.raises(ProofError, match=r"this is UTF-16.*Out-File -Encoding utf8"):
        read_terraform(binary, environment())


def test_a_stack_of_another_environment_is_refused(tmp_path: Path) -> None:
    bench = Bench(tmp_path, environment())
    path = tmp_path / "cdk.tf.json"
    path.write_text(json.dumps(bench.stack), encoding="utf-8")
    with pytest.raises(ProofError, match="none of the groups of other on aws"):
        read_terraform(path, environment(name="other"))
    with pytest.raises(ProofError, match="none of the groups of demo on azure"):
        read_terraform(path, environment("azure"))


def test_blocks_may_stand_in_lists(tmp_path: Path) -> None:
    bench = Bench(tmp_path, environment())
    content = bench.changed()
    content["resource"] = [
        {kind: [{name: [body]} for name, body in blocks.items()]} for kind, blocks in content["resource"].items()
    ]
    content["output"] = [{"acd_servers": [content["output"]["acd_servers"]]}]
    assert bench.prove(content).found == ()
