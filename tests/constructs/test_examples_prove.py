"""What the examples of Azure and OpenStack make proves, and is attached as it should be."""

from __future__ import annotations

from pathlib import Path

import pytest

from jtel_constructs.answers import prove
from jtel_constructs.readers import read_terraform
from tests.constructs.apps import Json, example, read_stacks
from tests.engines import App

ON_OTHER_CLOUDS = {"azure-app", "openstack-app"}


def synthesized(name: str, folder: Path) -> Json:
    app = App(outdir=str(folder))
    rules = example(name).ContactCentre(app, "contact-centre").environment.check()
    app.synth()
    snapshot = read_terraform(folder / "stacks/contact-centre/cdk.tf.json", rules.environment)
    assert prove(rules, snapshot).found == ()
    return read_stacks(folder)["contact-centre"]["resource"]  # type: ignore[no-any-return]


@pytest.mark.parametrize("name", sorted(ON_OTHER_CLOUDS))
def test_an_example_on_another_cloud_proves(name: str, tmp_path: Path) -> None:
    assert synthesized(name, tmp_path)


def test_on_azure_interfaces_get_their_network_security_group_after_the_others(tmp_path: Path) -> None:
    resources = synthesized("azure-app", tmp_path)
    joining = resources["azurerm_network_interface_application_security_group_association"]
    assert len(joining) == 4
    for name, block in resources["azurerm_network_interface_security_group_association"].items():
        type = "azurerm_network_interface_application_security_group_association"
        assert {f"{type}.{name}_own", f"{type}.{name}_internal"} < set(block["depends_on"])
    assert list(resources["azurerm_subnet_network_security_group_association"]) == ["contact-centre_telephony"]


def test_on_openstack_each_port_has_exactly_its_two_groups(tmp_path: Path) -> None:
    resources = synthesized("openstack-app", tmp_path)
    groups = {
        name: (block["security_group_ids"], block["enforce"])
        for name, block in resources["openstack_networking_port_secgroup_associate_v2"].items()
    }
    group = "${openstack_networking_secgroup_v2.contact-centre_%s.id}"
    assert groups == {
        "acd-1-groups": ([group % "acd", group % "internal"], True),
        "tel-1-groups": ([group % "tel", group % "internal"], True),
        "tel-2-groups": ([group % "tel", group % "internal"], True),
    }
