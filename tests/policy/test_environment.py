"""What an environment is: its servers, names, limits and where it comes from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from jtel_constructs.errors import InputError
from jtel_constructs.policy import Environment, compute, load_environment
from tests.policy.building import AWS, PEERS, environment, lets, rules, server, servers_of

TOKEN = "${TfToken[TOKEN.12]}"


def _refused(**changes: Any) -> list[tuple[str, str]]:
    with pytest.raises(InputError) as caught:
        rules(**changes)
    return [(problem.where, problem.message) for problem in caught.value.problems]


# -- servers -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["a", "7", "A1", "lb-1", "lb_1", "a__b", "x" * 40])
def test_lets_a_server_be_called(name: str) -> None:
    assert servers_of(rules(servers=[server(name, "ACD-DBS")])) == {name}


@pytest.mark.parametrize("name", ["", " ", "-a", "a-", "_a", "a b", "a.b", "l\u00e4b", "a/b", "${x}", "x" * 41, "a\n"])
def test_refuses_a_server_to_be_called(name: str) -> None:
    ((where, message),) = _refused(servers=[server(name, "ACD-DBS")])
    assert where == "servers[0].name"
    assert "is no server name; use letters, digits, hyphens and underscores" in message


@pytest.mark.parametrize("name", ["internal", "INTERNAL", "any", "pbx", "jtel-support", "reporting-api-users"])
def test_refuses_the_names_of_peers_and_of_internal(name: str) -> None:
    ((_, message),) = _refused(servers=[server(name, "ACD-DBS")])
    assert "is reserved (internal, jtel-support, pbx, reporting-api-users, any)" in message


@pytest.mark.parametrize(("one", "two"), [("lb", "lb"), ("lb", "LB"), ("Lb-1", "lB-1")])
def test_refuses_two_servers_of_one_name_also_by_case_alone(one: str, two: str) -> None:
    ((where, message),) = _refused(servers=[server(one, "ACD-LB"), server(two, "ACD-JB")])
    assert where == "servers[1].name"
    assert message.startswith(f"{two!r} is also the name of servers[0]")


def test_refuses_a_name_that_differs_from_a_topologys_server_by_case_alone() -> None:
    ((where, message),) = _refused(topology="large-v3", servers=[server("TEL", "ACD-TEL")])
    assert where == "servers[0].name"
    assert "'TEL' differs from the server 'tel' of topology large-v3 by letter case alone" in message


def test_refuses_an_environment_without_servers() -> None:
    assert _refused(servers=[]) == [("servers", "there are no servers; give a topology, or at least one server")]


def test_refuses_a_server_without_roles() -> None:
    assert _refused(servers=[server("lb")]) == [("servers[0].roles", "the list is empty")]


def test_refuses_a_role_twice() -> None:
    assert _refused(servers=[server("lb", "ACD-LB", "ACD-LB")]) == [
        ("servers[0].roles", "a role stands twice in the list")
    ]


@pytest.mark.parametrize("role", ["ACD-JB", "ACD-DBM", "ACD-LB"])
def test_refuses_a_mixed_server_that_does_not_say_its_system(role: str) -> None:
    ((where, message),) = _refused(servers=[server("all", role, "ACD-TEL")])
    assert where == "servers[0].os"
    assert message.startswith("ACD-TEL runs on Windows by default and the other roles on Linux; say which")


def test_finds_every_mistake_at_once() -> None:
    found = _refused(
        servers=[server("lb", "ACD-LB"), server("LB", "ACD-JB", "ACD-TEL")],
        supplements=["none"],
        narrow={"sip": []},
        peers={**PEERS, "any": ["2001:db8::/32"]},
    )
    assert [where for where, _ in found] == [
        *("servers[1].name", "servers[1].os", "supplements[0]", "peers.any[0]", "narrow.sip"),
    ]


def test_servers_and_roles_have_one_order_whatever_the_file_has() -> None:
    one = environment(servers=[server("b", "ACD-LB", "ACD-JB"), server("a", "ACD-DBS")])
    two = environment(servers=[server("a", "ACD-DBS"), server("b", "ACD-JB", "ACD-LB")])
    assert one.all_servers() == two.all_servers()


# -- the environment's own keys ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["a", "acd", "Acd-7", "x" * 40])
def test_lets_an_environment_be_called(name: str) -> None:
    assert environment(name=name).group_name("lb") == f"{name}-lb"


@pytest.mark.parametrize("name", ["", "7acd", "-a", "a-", "a_b", "a b", "a.b", "k\u00f6ln", "sg-a", "SG-a", "x" * 41])
def test_refuses_an_environment_to_be_called(name: str) -> None:
    ((where, message),) = _refused(name=name)
    assert where == "name"
    assert "is no environment name; use letters, digits and hyphens, a letter first" in message


@pytest.mark.parametrize(
    ("platform", "key"),
    [
        ({**AWS, "vpc_id": TOKEN}, "vpc_id"),
        ({"cloud": "azure", "location": TOKEN, "resource_group": TOKEN}, "location"),
        ({"cloud": "openstack", "region": TOKEN}, "region"),
    ],
)
def test_lets_values_that_only_the_deployment_knows(platform: dict[str, str], key: str) -> None:
    assert getattr(environment(platform=platform).platform, key) == TOKEN


@pytest.mark.parametrize(
    "text", ["${aws_vpc.main.id}", f"{TOKEN}x", "${TfToken[TOKEN.1]}${TfToken[TOKEN.2]}", "$TOKEN"]
)
def test_refuses_an_expression_that_is_no_token(text: str) -> None:
    ((where, message),) = _refused(platform={**AWS, "vpc_id": text})
    assert where == "platform.vpc_id"
    assert "is no VPC id such as vpc-0123456789abcdef0" in message


def test_an_environment_is_frozen() -> None:
    with pytest.raises(ValueError, match="frozen"):
        environment().name = "other"  # type: ignore[misc]


# -- files -------------------------------------------------------------------------------------------------------------

_VALUES: dict[str, Any] = {
    "name": "acd",
    "redundant": False,
    "platform": AWS,
    "servers": [server("jb", "ACD-JB")],
    "peers": {"jtel-support": ["198.51.100.0/28"]},
}


def test_a_file_and_plain_values_are_the_same_environment(tmp_path: Path) -> None:
    path = tmp_path / "acd.yaml"
    path.write_text(yaml.safe_dump(_VALUES), encoding="utf-8")
    for name in (path, str(path)):
        assert load_environment(name).model_dump() == Environment.build(_VALUES).model_dump()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_lets_a_file_from_windows(tmp_path: Path, encoding: str, newline: str) -> None:
    path = tmp_path / "acd.yaml"
    path.write_text(yaml.safe_dump(_VALUES), encoding=encoding, newline=newline)
    assert load_environment(path).name == "acd"


def test_lets_aliases_and_merge_keys(tmp_path: Path) -> None:
    path = tmp_path / "acd.yaml"
    path.write_text(
        "name: acd\nredundant: false\nplatform: {cloud: aws, region: eu-central-1, vpc_id: vpc-01234567}\n"
        "servers: [{name: lb, roles: [ACD-LB]}]\n"
        "peers: {jtel-support: &us [198.51.100.0/28], any: *us, reporting-api-users: []}\n",
        encoding="utf-8",
    )
    assert lets(compute(load_environment(path)), "198.51.100.1", "lb", "tcp", 3000)


def test_its_own_matrix_is_looked_for_beside_the_file(tmp_path: Path) -> None:
    path = tmp_path / "acd.yaml"
    path.write_text(yaml.safe_dump({**_VALUES, "matrix": "ports.yaml"}), encoding="utf-8")
    with pytest.raises(InputError, match=rf"^{path}:1: matrix: {tmp_path}/ports\.yaml: there is no such file$"):
        compute(load_environment(path))
