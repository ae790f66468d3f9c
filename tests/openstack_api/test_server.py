"""The starter: what runs is a whole cloud as a customer meets it, and nothing of it stays behind."""

from __future__ import annotations

import importlib.util
import socket
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

import openstack
import pytest

from .api import Api, ApiError
from .installation import INSTALL_DIRECTORY, OpenStackServerError, ensure_venv
from .server import OpenStackServer


def new_group(project: Mapping[str, str], name: str) -> None:
    Api(project, "network").call("POST", "/v2.0/security-groups", {"security_group": {"name": name}})


def group_names(project: Mapping[str, str]) -> list[str]:
    return [group["name"] for group in Api(project, "network").call("GET", "/v2.0/security-groups")["security_groups"]]


def answers(server: OpenStackServer) -> bool:
    address = urlsplit(server.admin["OS_AUTH_URL"])
    with socket.socket() as client:
        return client.connect_ex((address.hostname or "", address.port or 0)) == 0


def test_a_new_project_has_only_the_default_group_with_its_four_rules(openstack_project: dict[str, str]) -> None:
    (group,) = Api(openstack_project, "network").call("GET", "/v2.0/security-groups")["security_groups"]
    rules = {(r["direction"], r["ethertype"], r["remote_group_id"]) for r in group["security_group_rules"]}
    assert group["name"] == "default"
    assert rules == {
        ("egress", "IPv4", None),
        ("egress", "IPv6", None),
        ("ingress", "IPv4", group["id"]),
        ("ingress", "IPv6", group["id"]),
    }


def test_a_new_group_lets_everything_out_and_nothing_in(openstack_project: dict[str, str]) -> None:
    body = {"security_group": {"name": "new"}}
    group = Api(openstack_project, "network").call("POST", "/v2.0/security-groups", body)["security_group"]
    rules = {(r["direction"], r["ethertype"], r["remote_ip_prefix"]) for r in group["security_group_rules"]}
    assert rules == {("egress", "IPv4", None), ("egress", "IPv6", None)}


def test_a_project_does_not_see_the_groups_of_another(
    openstack_server: OpenStackServer, openstack_project: dict[str, str]
) -> None:
    new_group(openstack_project, "mine")
    assert sorted(group_names(openstack_project)) == ["default", "mine"]
    assert group_names(openstack_server.project("another")) == ["default"]


def test_refuses_a_second_project_of_one_name(openstack_server: OpenStackServer) -> None:
    openstack_server.project("twice")
    with pytest.raises(ApiError, match=r"409 Conflict: .* name is twice"):
        openstack_server.project("twice")


@pytest.mark.filterwarnings("ignore::PendingDeprecationWarning:openstack")  # what the client finds in its own code
def test_the_variables_are_all_that_the_official_client_needs(
    openstack_project: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in openstack_project.items():
        monkeypatch.setenv(name, value)
    with openstack.connect(load_yaml_config=False) as cloud:
        assert [group.name for group in cloud.network.security_groups()] == ["default"]


def test_quotas_are_as_asked_and_stop_ends_this_server_alone(
    openstack_server: OpenStackServer, openstack_venv: Path, tmp_path: Path
) -> None:
    with OpenStackServer(tmp_path / "cloud", openstack_venv, group_quota=2, rule_quota=-1) as small:
        project = small.project("small")
        new_group(project, "fits")
        with pytest.raises(ApiError, match=r"409 OverQuota: Quota exceeded for resources: \['security_group'\]"):
            new_group(project, "one too many")
        assert answers(small)
    assert not answers(small)
    assert answers(openstack_server)


def test_a_service_that_cannot_start_is_an_error_with_the_end_of_its_log(openstack_venv: Path, tmp_path: Path) -> None:
    (tmp_path / "network.db").mkdir()
    server = OpenStackServer(tmp_path, openstack_venv)
    with pytest.raises(OpenStackServerError) as caught:
        server.start()
    assert "the network service does not run" in str(caught.value)
    assert "unable to open database file" in str(caught.value)
    assert not answers(server)


def test_services_that_do_not_work_together_are_an_error_with_the_end_of_both_logs(
    openstack_venv: Path, tmp_path: Path
) -> None:
    class WrongPassword(OpenStackServer):
        @property
        def admin(self) -> dict[str, str]:
            return {**super().admin, "OS_PASSWORD": "wrong"}

    server = WrongPassword(tmp_path / "cloud", openstack_venv)
    with pytest.raises(OpenStackServerError) as caught:
        server.start()
    lines = str(caught.value).splitlines()
    assert lines[0].startswith("the services do not work together: The request you have made requires authentication.")
    assert {"--- the identity log ends", "--- the network log ends"} < set(lines)
    assert not answers(server)


def test_without_the_environment_starting_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(OpenStackServerError, match=r"cannot run .*nothing/bin/python"):
        OpenStackServer(tmp_path / "cloud", tmp_path / "nothing").start()


def test_a_second_installation_changes_nothing(openstack_venv: Path) -> None:
    log = INSTALL_DIRECTORY / "install.log"
    before = log.stat().st_mtime_ns
    assert ensure_venv() == openstack_venv
    assert log.stat().st_mtime_ns == before


def test_an_installation_that_fails_is_an_error_and_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")  # as good as no network
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)
    for _ in range(2):
        with pytest.raises(OpenStackServerError, match=r"pip ended with 1[\s\S]*No matching distribution found"):
            ensure_venv(tmp_path)


def test_a_python_without_pip_is_an_error_that_says_how_to_mend_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(OpenStackServerError, match=r"has no pip.*ensurepip.*apt-get install python3-venv"):
        ensure_venv(tmp_path)
