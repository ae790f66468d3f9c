"""The live reader of Azure, through its own SDK, against an API on loopback."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from jtel_constructs.answers import Proof, prove
from jtel_constructs.cli import main
from jtel_constructs.errors import ProofError, ToolError
from jtel_constructs.policy import Environment, RuleSet, compute
from jtel_constructs.readers import read_live
from tests.verify.arm import FOLDER, NETWORK, SUBNET, SUBSCRIPTION, Arm, running
from tests.verify.building import environment, stack

RULE = "azurerm_network_security_rule"
MANAGER = f"{FOLDER}/networkManagers/central/securityAdminConfigurations/all/ruleCollections/base/rules"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Arm]:
    with running(tmp_path_factory.mktemp("arm")) as one:
        yield one


@pytest.fixture
def arm(server: Arm, monkeypatch: pytest.MonkeyPatch) -> Arm:
    for name in ("REQUESTS_CA_BUNDLE", "ARM_ENVIRONMENT", "AZURE_SUBSCRIPTION_ID"):
        monkeypatch.delenv(name, raising=False)
    for name, value in server.environ.items():
        monkeypatch.setenv(name, value)
    server.resources.clear()
    server.effective.clear()
    server.admin, server.refused = [[]], []
    return server


class Deployed:
    """An environment whose groups and machines the API has."""

    def __init__(self, arm: Arm, **changes: Any) -> None:
        self.arm = arm
        self.environment: Environment = environment("azure", **changes)
        self.rules: RuleSet = compute(self.environment)
        resources = stack(self.rules)["resource"]
        for name in ("internal", *(one.name for one in self.rules.servers)):
            arm.put("applicationSecurityGroups", f"demo-{name}")
        for index, one in enumerate(self.rules.servers):
            rules = [rule for key, rule in resources[RULE].items() if key.startswith(f"demo_{one.name}_")]
            own = [self.rule(one.name, rule) for rule in rules]
            arm.put("networkSecurityGroups", f"demo-{one.name}", securityRules=own, defaultSecurityRules=[])
            self.interface(one.name, f"10.0.0.{index + 4}", f"demo-{one.name}", [f"demo-{one.name}", "demo-internal"])
        arm.put("virtualNetworks", "vnet/subnets/apps")

    def rule(self, server: str, values: dict[str, Any]) -> dict[str, Any]:
        """A rule as the API has it, from one in Terraform's words."""
        found = {_camel(key): value for key, value in values.items()}
        for end in ("source", "destination"):
            groups = values.get(f"{end}_application_security_group_ids")
            if groups:
                ids = [f"{FOLDER}/applicationSecurityGroups/{_name_in(one)}" if "${" in one else one for one in groups]
                found[f"{end}ApplicationSecurityGroups"] = [{"id": one} for one in ids]
            found.pop(f"{end}ApplicationSecurityGroupIds", None)
        name = found.pop("name")
        found["provisioningState"] = "Succeeded"
        return {
            "name": name,
            "id": f"{FOLDER}/networkSecurityGroups/demo-{server}/securityRules/{name}",
            "properties": found,
        }

    def interface(self, name: str, address: str, nsg: str | None, asgs: list[str]) -> dict[str, Any]:
        """A machine's network interface."""
        part = {
            "subnet": {"id": SUBNET},
            "privateIPAddress": address,
            "applicationSecurityGroups": [{"id": f"{FOLDER}/applicationSecurityGroups/{one}"} for one in asgs],
        }
        folder = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg/providers/Microsoft.Compute"
        machine = {"id": f"{folder}/virtualMachines/vm-{name}"}
        found = self.arm.put(
            "networkInterfaces",
            f"nic-{name}",
            virtualMachine=machine,
            ipConfigurations=[{"name": "one", "properties": part}],
        )
        if nsg:
            found["properties"]["networkSecurityGroup"] = {"id": f"{FOLDER}/networkSecurityGroups/{nsg}"}
        return found

    def own(self, server: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.arm.resources[f"{FOLDER}/networkSecurityGroups/demo-{server}"]["properties"][
            "securityRules"
        ]
        return found

    def add(self, server: str, **values: Any) -> None:
        """A rule that somebody adds by hand."""
        rule = {
            "name": "by-hand",
            "priority": 150,
            "direction": "Inbound",
            "access": "Allow",
            "protocol": "Tcp",
            "source_address_prefix": "*",
            "source_port_range": "*",
            "destination_address_prefix": "*",
            "destination_port_range": "3306",
            **values,
        }
        self.own(server).append(self.rule(server, rule))

    def proof(self) -> Proof:
        return prove(self.rules, read_live(self.environment))


def _camel(key: str) -> str:
    first, *rest = key.split("_")
    return first + "".join(part.capitalize() for part in rest)


def _name_in(reference: str) -> str:
    return "demo-" + reference.split("demo_")[1].split(".")[0]


def told(proof: Proof) -> list[tuple[str, str]]:
    return [(str(one.kind), one.packet or one.message) for one in proof.found]


def test_what_the_api_has_is_proved(arm: Arm) -> None:
    proof = Deployed(arm).proof()
    assert told(proof) == []
    (note,) = proof.notes
    assert note == "Azure gives no effective rules of nic-db, nic-tel, nic-web: NicNotAttachedToRunningVM"


def test_a_rule_that_somebody_adds_by_hand_is_named(arm: Arm) -> None:
    deployed = Deployed(arm)
    deployed.add("db")
    found = deployed.proof().differences
    assert {one.kind for one in found} == {"open"}
    assert {one.because for one in found} == {("demo-db/by-hand",)}
    assert "tcp 203.0.113.1 -> db:3306" in [one.packet for one in found]


def test_a_rule_that_somebody_removes_is_named(arm: Arm) -> None:
    deployed = Deployed(arm)
    own = deployed.own("db")
    own[:] = [rule for rule in own if rule["properties"].get("sourceAddressPrefix") != "198.51.100.0/28"]
    assert told(deployed.proof()) == [
        ("missing", f"tcp 198.51.100.1{where} -> db:22") for where in ("", " in the virtual network")
    ]


def test_a_refusing_rule_before_ours_is_named(arm: Arm) -> None:
    deployed = Deployed(arm)
    deployed.add(
        "db", access="Deny", priority=100, destination_port_range="22", source_address_prefix="198.51.100.0/28"
    )
    one = deployed.proof().found[0]
    assert (one.kind, one.packet) == ("missing", "tcp 198.51.100.1 -> db:22")
    assert "demo-db/by-hand comes before" in one.message


def test_the_groups_own_last_rules_are_read_where_the_api_gives_them(arm: Arm) -> None:
    deployed = Deployed(arm)
    group = arm.resources[f"{FOLDER}/networkSecurityGroups/demo-db"]["properties"]
    ends = {"sourcePortRange": "*", "destinationPortRange": "*", "protocol": "*", "provisioningState": "Succeeded"}
    for name, priority, direction, access, source, destination in (
        ("AllowVnetInBound", 65000, "Inbound", "Allow", "VirtualNetwork", "VirtualNetwork"),
        ("AllowAzureLoadBalancerInBound", 65001, "Inbound", "Allow", "AzureLoadBalancer", "*"),
        ("DenyAllInBound", 65500, "Inbound", "Deny", "*", "*"),
        ("AllowVnetOutBound", 65000, "Outbound", "Allow", "VirtualNetwork", "VirtualNetwork"),
        ("AllowInternetOutBound", 65001, "Outbound", "Allow", "*", "Internet"),
        ("DenyAllOutBound", 65500, "Outbound", "Deny", "*", "*"),
    ):
        values = {"priority": priority, "direction": direction, "access": access, **ends}
        values |= {"sourceAddressPrefix": source, "destinationAddressPrefix": destination}
        group["defaultSecurityRules"].append({"name": name, "properties": values})
    assert deployed.proof().proved


@pytest.mark.parametrize("state", ["Updating", "Failed"])
def test_a_change_that_is_not_done_cannot_be_told(arm: Arm, state: str) -> None:
    deployed = Deployed(arm)
    deployed.own("db")[0]["properties"]["provisioningState"] = state
    proof = deployed.proof()
    assert proof.verdict.exit_code == 3


def test_a_group_that_is_not_there_is_named_and_one_elsewhere_too(arm: Arm) -> None:
    deployed = Deployed(arm)
    del arm.resources[f"{FOLDER}/networkSecurityGroups/demo-db"]
    arm.resources[f"{FOLDER}/applicationSecurityGroups/demo-tel"]["location"] = "northeurope"
    messages = [one.message for one in deployed.proof().found]
    assert any("there is no group named demo-db" in one for one in messages)
    assert any("demo-tel is in northeurope" in one for one in messages)


# -- what interfaces carry ---------------------------------------------------------------------------------------------


def test_a_machine_without_the_shared_group_is_named(arm: Arm) -> None:
    deployed = Deployed(arm)
    deployed.interface("tel", "10.0.0.9", "demo-tel", ["demo-tel"])
    (one,) = deployed.proof().found
    assert (one.kind, one.source) == ("attachment", "vm-tel")
    assert "not the shared one" in one.message


def test_a_stranger_with_the_shared_group_and_a_machine_behind_no_group_are_named(arm: Arm) -> None:
    deployed = Deployed(arm)
    deployed.interface("stranger", "10.0.0.77", None, ["demo-internal"])
    deployed.interface("tel", "10.0.0.6", None, ["demo-tel", "demo-internal"])
    messages = [one.message for one in deployed.proof().found]
    assert any("vm-stranger carries demo-internal" in one for one in messages)
    assert any("vm-tel of server tel stands behind no network security group" in one for one in messages)


def test_a_subnet_with_the_group_stands_for_the_interface(arm: Arm) -> None:
    deployed = Deployed(arm)
    deployed.interface("tel", "10.0.0.6", None, ["demo-tel", "demo-internal"])
    arm.put(
        "virtualNetworks", "vnet/subnets/calls", networkSecurityGroup={"id": f"{FOLDER}/networkSecurityGroups/demo-tel"}
    )
    part = arm.resources[f"{FOLDER}/networkInterfaces/nic-tel"]["properties"]["ipConfigurations"][0]["properties"]
    part["subnet"]["id"] = f"{NETWORK}/subnets/calls"
    assert deployed.proof().proved


def test_effective_rules_are_held_against_the_groups(arm: Arm) -> None:
    deployed = Deployed(arm)
    for name in ("db", "tel", "web"):
        rules = [{**rule["properties"], "name": f"securityRules/{rule['name']}"} for rule in deployed.own(name)] + [
            {"name": "defaultSecurityRules/DenyAllInBound", "priority": 65500, "direction": "Inbound", "access": "Deny"}
        ]
        group = {"id": f"{FOLDER}/networkSecurityGroups/demo-{name}"}
        arm.effective[f"nic-{name}"] = [{"networkSecurityGroup": group, "effectiveSecurityRules": rules}]
    assert told(deployed.proof()) == []
    assert deployed.proof().notes == ()
    arm.effective["nic-db"][0]["effectiveSecurityRules"].pop(0)
    arm.effective["nic-tel"][0]["networkSecurityGroup"] = {"id": f"{FOLDER}/networkSecurityGroups/other"}
    proof = deployed.proof()
    assert proof.verdict.exit_code == 3
    assert "the rules in force are not those of demo-db" in proof.found[0].message
    assert "the groups in force are other" in proof.found[1].message


# -- what acts before any group ----------------------------------------------------------------------------------------


def admin(name: str, access: str, priority: int = 10, **changes: Any) -> dict[str, Any]:
    values = {
        "direction": "Inbound",
        "access": access,
        "priority": priority,
        "protocol": "Tcp",
        "sources": [{"addressPrefix": "*", "addressPrefixType": "IPPrefix"}],
        "destinations": [{"addressPrefix": "*", "addressPrefixType": "IPPrefix"}],
        "sourcePortRanges": ["0-65535"],
        "destinationPortRanges": ["22"],
        **changes,
    }
    return {"id": f"{MANAGER}/{name}", "kind": "Custom", "properties": values}


def block(text: str) -> list[dict[str, str]]:
    return [{"addressPrefix": text, "addressPrefixType": "IPPrefix"}]


def test_an_admin_rule_that_refuses_closes_what_the_groups_open(arm: Arm) -> None:
    deployed = Deployed(arm)
    arm.admin = [[], [admin("no-ssh", "Deny", destinations=block("10.0.0.4/32"))]]
    found = deployed.proof().found
    assert {(one.kind, one.destination) for one in found} == {("missing", "db")}
    assert any("admin rule no-ssh comes before" in one.message for one in found)


def test_an_admin_rule_that_always_allows_opens_what_no_group_does(arm: Arm) -> None:
    deployed = Deployed(arm)
    arm.admin = [[admin("scan", "AlwaysAllow", sources=block("192.0.2.99/32"), destinationPortRanges=["9999"])]]
    found = deployed.proof().differences
    assert {one.because for one in found} == {("admin rule scan",)}
    assert {one.destination for one in found} >= {"db", "tel", "web"}


def test_an_admin_rule_that_leaves_it_to_the_groups_changes_nothing(arm: Arm) -> None:
    deployed = Deployed(arm)
    arm.admin = [[admin("fine", "Allow"), admin("gone", "Deny", destinations=block("10.9.0.0/16"))]]
    assert deployed.proof().proved
    arm.admin = [[admin("fine", "Allow"), admin("later", "Deny", priority=20)]]
    assert deployed.proof().verdict.exit_code == 3


def test_admin_rules_that_may_not_be_asked_for_cannot_be_told(arm: Arm) -> None:
    deployed = Deployed(arm)
    arm.refused = ["listNetworkManagerEffectiveSecurityAdminRules"]
    (one,) = deployed.proof().found
    assert one.kind == "untold"
    assert "whether admin rules act before the groups in the network vnet cannot be told" in one.message
    assert "docs/live.md" in one.settle


def test_an_api_without_a_network_manager_has_no_admin_rules(arm: Arm) -> None:
    deployed = Deployed(arm)
    arm.admin = (405, "MethodNotAllowed", "There is no such operation.")
    proof = deployed.proof()
    assert proof.proved
    assert "this API has no Virtual Network Manager" in proof.notes


def test_interfaces_that_may_not_be_asked_for_cannot_be_told(arm: Arm) -> None:
    deployed = Deployed(arm)
    arm.refused = ["/networkInterfaces"]
    proof = deployed.proof()
    assert proof.verdict.exit_code == 3
    assert "which interfaces carry the groups cannot be told" in proof.found[0].message


# -- what a user may have wrong ----------------------------------------------------------------------------------------


def test_no_group_at_all_is_said_in_one_line(arm: Arm) -> None:
    with pytest.raises(ProofError, match="resource group rg-jtel: none of the groups of demo is there") as caught:
        read_live(environment("azure"))
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({"ARM_CLIENT_SECRET": "wrong"}, "Azure takes none of the credentials: .*Invalid client secret"),
        ({"ARM_SUBSCRIPTION_ID": ""}, "which subscription is not said"),
        ({"ARM_SUBSCRIPTION_ID": SUBSCRIPTION.replace("a", "f")}, "Azure Resource Manager: .*SubscriptionNotFound"),
        ({"ARM_METADATA_HOSTNAME": "127.0.0.1:9"}, "Azure Resource Manager: .*refused"),
        ({"ARM_METADATA_HOSTNAME": "", "ARM_ENVIRONMENT": "moon"}, "ARM_ENVIRONMENT is 'moon'; allowed: public"),
        ({"SSL_CERT_FILE": ""}, "Azure Resource Manager: .*certificate verify failed"),
    ],
)
def test_what_is_wrong_with_the_way_to_azure_is_said_in_one_line(
    arm: Arm, monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], message: str
) -> None:
    Deployed(arm)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ToolError, match=message) as caught:
        read_live(environment("azure"))
    assert len(str(caught.value).splitlines()) == 1


def test_a_resource_group_that_is_not_there_is_said_in_one_line(arm: Arm) -> None:
    platform = {"cloud": "azure", "location": "westeurope", "resource_group": "nowhere"}
    with pytest.raises(ToolError, match="ResourceGroupNotFound"):
        read_live(environment(platform=platform))


def test_a_missing_sdk_is_named(monkeypatch: pytest.MonkeyPatch, arm: Arm) -> None:
    monkeypatch.setitem(sys.modules, "azure.mgmt.network", None)
    with pytest.raises(ToolError, match=r"pip install 'jtel-constructs\[azure\]'"):
        read_live(environment("azure"))


def test_the_command_answers_a_scheduled_job(arm: Arm, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    deployed = Deployed(arm)
    path = tmp_path / "demo.yaml"
    path.write_text(
        json.dumps(
            {
                "name": "demo",
                "redundant": True,
                "topology": "small-v2",
                "platform": {"cloud": "azure", "location": "westeurope", "resource_group": "rg-jtel"},
                "peers": {
                    "jtel-support": ["198.51.100.0/28"],
                    "pbx": ["203.0.113.10/32"],
                    "reporting-api-users": ["10.8.0.0/16"],
                    "any": ["192.0.2.0/24"],
                },
            }
        ),
        encoding="utf-8",
    )
    assert main(["verify", str(path), "--live", "--json"]) == 0
    said = capsys.readouterr()
    assert json.loads(said.out)["proved"] is True
    deployed.add("db")
    assert main(["verify", str(path), "--live", "--json"]) == 1
    said = capsys.readouterr()
    assert {one["because"][0] for one in json.loads(said.out)["differences"]} == {"demo-db/by-hand"}
    assert "\x1b" not in said.out + said.err


@pytest.mark.parametrize("value", ["10.8.0.1-10.8.0.9", "not a prefix"])
def test_what_is_missing_beside_a_rule_that_cannot_be_read_may_be_its_work(arm: Arm, value: str) -> None:
    deployed = Deployed(arm)
    own = deployed.own("db")
    (rule,) = [one for one in own if one["properties"].get("sourceAddressPrefix") == "198.51.100.0/28"]
    rule["properties"]["sourceAddressPrefix"] = value
    (one,) = deployed.proof().found
    assert (str(one.kind), value in one.message) == ("untold", True)


def test_a_group_of_the_subnet_is_seen_though_no_machine_runs(arm: Arm) -> None:
    deployed = Deployed(arm)
    arm.put("networkSecurityGroups", "other", securityRules=[], defaultSecurityRules=[])
    arm.put(
        "virtualNetworks", "vnet/subnets/apps", networkSecurityGroup={"id": f"{FOLDER}/networkSecurityGroups/other"}
    )
    found = deployed.proof().found
    assert {str(one.kind) for one in found} == {"untold"}
    assert all("has other" in one.message and "may close" in one.message for one in found)
