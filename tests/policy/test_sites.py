"""Sites of one system, each in a file of its own: what they say of one another must be the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from jtel_constructs.cli import main
from jtel_constructs.policy import RuleSet, compute, contradictions
from tests.policy.building import PEERS, environment, server

LB, TEL = ["10.1.0.0/28"], ["10.2.0.16/28"]


def cloud(name: str = "acd-cloud", **changes: Any) -> RuleSet:
    """The site in the cloud: everything but telephony."""
    servers = [
        {**server("lb", "ACD-LB", "ACD-STORE", "ACD-JB", "ACD-DBM"), "addresses": LB},
        {**server("tel", "ACD-TEL"), "addresses": TEL, "elsewhere": True},
    ]
    return compute(environment(**{"name": name, "servers": servers, **changes}))


def second(**changes: Any) -> RuleSet:
    """The site that has telephony."""
    servers = [
        {**server("lb", "ACD-LB", "ACD-STORE", "ACD-JB", "ACD-DBM"), "addresses": LB, "elsewhere": True},
        {**server("tel", "ACD-TEL"), "addresses": TEL},
    ]
    return compute(environment(**{"name": "acd-tel", "servers": servers, **changes}))


def found(*sites: RuleSet) -> list[tuple[str, str]]:
    return [(one.about, one.message) for one in contradictions(sites)]


def changed(at: int, **keys: Any) -> list[dict[str, Any]]:
    """The servers of the second site, one of them changed."""
    servers = [
        {**server("lb", "ACD-LB", "ACD-STORE", "ACD-JB", "ACD-DBM"), "addresses": LB, "elsewhere": True},
        {**server("tel", "ACD-TEL"), "addresses": TEL},
    ]
    servers[at] = {key: value for key, value in {**servers[at], **keys}.items() if value is not None}
    return servers


def test_sites_that_agree_do_not_contradict_each_other() -> None:
    assert found(cloud(), second()) == []
    # where it stands, a server is known by its group
    assert found(cloud(), second(servers=changed(1, addresses=None))) == []


def test_environments_of_other_systems_are_not_compared() -> None:
    assert found(compute(environment(name="one")), compute(environment(name="two", redundant=False))) == []


@pytest.mark.parametrize(
    ("changes", "about", "message"),
    [
        ({"redundant": False}, "redundant", "redundant is true in acd-cloud, and false in acd-tel"),
        (
            {"supplements": ["store-cluster"]},
            "supplements",
            "the supplements are none in acd-cloud, and store-cluster in acd-tel",
        ),
        (
            {"peers": {**PEERS, "pbx": ["203.0.113.11/32"]}},
            "peers:pbx",
            "the peer pbx is 203.0.113.10/32 in acd-cloud, and 203.0.113.11/32 in acd-tel",
        ),
        (
            {"narrow": {"haproxy-web": []}},
            "narrow:haproxy-web",
            "the row haproxy-web is not narrowed in acd-cloud, and narrowed in acd-tel",
        ),
        ({"servers": changed(0, roles=["ACD-LB"])}, "server:lb", "the roles of lb are ACD-DBM, ACD-LB"),
        ({"servers": changed(1, os="linux")}, "server:tel", "the os of tel is windows in acd-cloud, and linux"),
        (
            {"servers": changed(0, addresses=["10.1.0.0/29"])},
            "server:lb",
            "the addresses of lb are 10.1.0.0/28 in acd-cloud, and 10.1.0.0/29 in acd-tel",
        ),
        (
            {"servers": changed(0, elsewhere=None)},
            "server:lb",
            "the server lb stands in acd-cloud and in acd-tel; say in one of them that it is elsewhere",
        ),
        (
            {"servers": [*changed(0), server("chat", "ACD-CHAT")]},
            "server:chat",
            "acd-tel has the server chat, which acd-cloud does not know",
        ),
    ],
)
def test_finds_what_two_files_say_otherwise(changes: dict[str, Any], about: str, message: str) -> None:
    some = found(cloud(), second(**changes))
    assert len(some) == 1, some
    assert some[0][0] == about
    assert some[0][1].startswith(message), some
    assert found(second(**changes), cloud()), "in the other order too"


def test_the_same_addresses_in_other_blocks_are_the_same() -> None:
    assert found(cloud(), second(servers=changed(0, addresses=["10.1.0.8/29", "10.1.0.0/29"]))) == []


def test_a_server_that_stands_nowhere_is_found_until_every_file_says_that_it_is_known() -> None:
    def chat(**keys: Any) -> RuleSet:
        servers = [*changed(1, elsewhere=True), server("chat", "ACD-CHAT")]
        return compute(environment(name="acd-chat", servers=servers, **keys))

    assert [about for about, _ in found(cloud(), chat())] == ["server:chat", "server:tel"]
    read: dict[str, Any] = {"acknowledged": ["elsewhere:tel"]}
    assert [about for about, _ in found(cloud(**read), chat())] == ["server:chat", "server:tel"]
    assert [about for about, _ in found(cloud(**read), chat(**read))] == ["server:chat"]


def test_two_systems_that_share_a_server_elsewhere_but_have_the_same_servers_here_are_two() -> None:
    assert found(cloud(), cloud("acd-test", redundant=False)) == []


def test_three_sites_are_one_system() -> None:
    third = compute(
        environment(
            name="acd-third",
            servers=[
                {**server("lb", "ACD-LB", "ACD-STORE", "ACD-JB", "ACD-DBM"), "addresses": LB, "elsewhere": True},
                {**server("tel", "ACD-TEL"), "addresses": TEL, "elsewhere": True},
                server("chat", "ACD-CHAT"),
            ],
        )
    )
    assert [about for about, _ in found(cloud(), second(), third)] == ["server:chat", "server:chat"]


def test_the_command_says_so_and_its_exit_code_is_1(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = []
    for site in (cloud(), second(redundant=False)):
        values = site.environment.model_dump(mode="json", exclude_unset=True, by_alias=True)
        files.append(tmp_path / f"{site.environment.name}.yaml")
        files[-1].write_text(yaml.safe_dump(values))
    assert main(["check", *map(str, files)]) == 1
    said = capsys.readouterr().out
    assert said.startswith("2 environments, each fine, but they contradict each other\n")
    assert "contradiction: redundant is true in acd-cloud, and false in acd-tel [redundant]" in said
    assert main(["check", str(files[0])]) == 0


def test_the_key_system_tells_sites_apart_where_their_servers_do_not() -> None:
    assert found(cloud(system="one"), second(system="two", redundant=False)) == []
    assert [about for about, _ in found(cloud(system="one"), second(system="one", redundant=False))] == ["redundant"]
    other = {**environment().model_dump(mode="json", include={"platform"}), "system": "one"}
    everything = compute(environment(name="acd-all", topology="small-v1", **other))
    assert found(cloud(system="one"), everything)


def test_a_system_that_has_a_server_of_that_name_here_is_another_one() -> None:
    assert found(cloud(), compute(environment(name="other", redundant=False))) == []
