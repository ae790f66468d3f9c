"""Groups are found by their names, as their cloud compares them."""

from __future__ import annotations

import pytest

from jtel_constructs.readers.groups import Groups


@pytest.mark.parametrize("cloud", ["aws", "azure"])
def test_a_group_made_under_another_letter_case_is_still_the_servers(cloud: str) -> None:
    assert Groups(cloud, names={"web": "acd-web", "lb": "acd-lb"}).named("acd-WEB") == ["web"]


def test_on_openstack_another_letter_case_is_another_group() -> None:
    groups = Groups("openstack", names={"one": "acd-web", "other": "acd-WEB"})
    assert groups.named("acd-WEB") == ["other"]
    assert groups.named("acd-Web") == []
