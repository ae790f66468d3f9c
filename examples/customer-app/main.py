"""A customer's own CDKTF app: network and machines of its own, jtel's security groups on them.

The stack `telephony` makes a VPC, the jtel environment in it, and an instance for every machine. The stack `crm` is
another application of the customer's, which the jtel load balancer may call.
"""

from __future__ import annotations

import sys
from typing import Any

from cdktf import App, TerraformResource, TerraformStack, TerraformVariable
from constructs import Construct

from jtel_constructs import (
    AcdServer,
    AwsPlatform,
    ImportedGroup,
    JtelEnvironment,
    JtelError,
    LoadBalancer,
    TelephonyServer,
    WebServer,
    require_provider,
    tcp,
)

REGION = "eu-central-1"
BACKUP_HOSTS = ["10.9.0.0/28", "10.9.1.0/28"]
JUMP_HOST = "10.9.2.5/32"


def resource(scope: Construct, type: str, id: str, /, **attributes: Any) -> TerraformResource:
    """A Terraform resource without generated bindings. With `cdktf get`, or the prebuilt package, use their classes."""
    made = TerraformResource(scope, id, terraform_resource_type=type)
    for key, value in attributes.items():
        made.add_override(key, value)
    return made


def id_of(made: TerraformResource) -> str:
    return made.get_string_attribute("id")


class Telephony(TerraformStack):
    """The network, the jtel environment, and the machines."""

    def __init__(self, scope: Construct, id: str) -> None:
        super().__init__(scope, id)
        self.vpc = resource(self, "aws_vpc", "vpc", cidr_block="10.8.0.0/16", tags={"Name": "contact-centre"})
        self.subnets = [
            resource(
                self, "aws_subnet", f"subnet-{zone}", vpc_id=id_of(self.vpc), cidr_block=block, availability_zone=zone
            )
            for zone, block in ((f"{REGION}a", "10.8.1.0/24"), (f"{REGION}b", "10.8.2.0/24"))
        ]
        monitoring = resource(
            self,
            "aws_security_group",
            "monitoring",
            name="monitoring",
            description="Prometheus",
            vpc_id=id_of(self.vpc),
        )

        self.environment = JtelEnvironment(
            self,
            "jtel",
            name="contact-centre",
            redundant=False,
            platform=AwsPlatform(region=REGION, vpc_id=id_of(self.vpc)),
            peers={
                "jtel-support": ["198.51.100.0/28"],
                "pbx": ["203.0.113.10/32"],
                "reporting-api-users": [],
                "any": ["10.0.0.0/8"],
            },
            tags={"team": "contact-centre"},
        )
        require_provider(self, self.environment)
        self.lb = LoadBalancer(self.environment, "lb")
        web = WebServer(self.environment, "web")
        tel = TelephonyServer(self.environment, "tel")
        data = AcdServer(self.environment, "data", roles=["ACD-DBM", "ACD-DBS", "ACD-DBR", "ACD-STORE"])

        # beyond the document: what the customer's own tools need
        self.lb.allow_from(ImportedGroup(id_of(monitoring), "monitoring"), tcp(9100), reason="metrics of haproxy")
        data.allow_from(BACKUP_HOSTS, tcp(3306), reason="nightly backup")
        self.environment.allow_from(JUMP_HOST, tcp(22, 3389), reason="administration")

        linux = TerraformVariable(self, "linux_image", type="string", description="AMI of the Linux servers")
        windows = TerraformVariable(self, "windows_image", type="string", description="AMI of the telephony servers")
        for name, server in (("lb", self.lb), ("web", web), ("data", data)):
            groups, subnet = server.security_group_ids, id_of(self.subnets[0])
            self.machine(name, linux, subnet_id=subnet, vpc_security_group_ids=groups)
        # two machines of one kind share a server, and with it the group; the PBX knows their addresses
        for index, address in enumerate(("10.8.1.10", "10.8.2.10")):
            interface = resource(
                self,
                "aws_network_interface",
                f"tel-{index + 1}-interface",
                subnet_id=id_of(self.subnets[index]),
                private_ips=[address],
                security_groups=tel.security_group_ids,
            )
            network = {"network_interface_id": id_of(interface), "device_index": 0}
            self.machine(f"tel-{index + 1}", windows, network_interface=[network])

    def machine(self, name: str, image: TerraformVariable, **network: Any) -> None:
        resource(
            self,
            "aws_instance",
            name,
            ami=image.string_value,
            instance_type="m7i.large",
            tags={"Name": name},
            **network,
        )


class Crm(TerraformStack):
    """Another application in the same VPC. It lets the jtel load balancer in, by its group's id."""

    def __init__(self, scope: Construct, id: str, telephony: Telephony) -> None:
        super().__init__(scope, id)
        require_provider(self, telephony.environment)
        group = resource(self, "aws_security_group", "crm", name="crm", description="CRM", vpc_id=id_of(telephony.vpc))
        resource(
            self,
            "aws_vpc_security_group_ingress_rule",
            "crm-from-jtel",
            security_group_id=id_of(group),
            referenced_security_group_id=telephony.lb.security_group_id,
            ip_protocol="tcp",
            from_port=8443,
            to_port=8443,
        )


def main() -> int:
    try:
        app = App()
        telephony = Telephony(app, "telephony")
        Crm(app, "crm", telephony)
        # a mistake ends here, before anything is written
        telephony.environment.check()
    except JtelError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    app.synth()
    return 0


if __name__ == "__main__":
    sys.exit(main())
