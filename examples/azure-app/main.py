"""A customer's own CDKTF app on Azure: network interfaces and a subnet of its own, jtel's groups put on them."""

from __future__ import annotations

import sys

from cdktf import App, TerraformResource, TerraformStack, TerraformVariable
from constructs import Construct

from jtel_constructs import (
    AcdServer,
    AzurePlatform,
    JtelEnvironment,
    JtelError,
    LoadBalancer,
    TelephonyServer,
    require_provider,
    tcp,
)

LOCATION = "westeurope"
RESOURCE_GROUP = "rg-contact-centre"


class ContactCentre(TerraformStack):
    """The machines' network interfaces, and the jtel environment around them."""

    def __init__(self, scope: Construct, id: str) -> None:
        super().__init__(scope, id)
        subnet = TerraformVariable(self, "subnet_id", type="string", description="subnet of all machines")
        telephony_subnet = TerraformVariable(
            self, "telephony_subnet_id", type="string", description="subnet of the telephony servers alone"
        )
        self.environment = JtelEnvironment(
            self,
            "jtel",
            name="contact-centre",
            redundant=False,
            platform=AzurePlatform(location=LOCATION, resource_group=RESOURCE_GROUP),
            peers={
                "jtel-support": ["198.51.100.0/28"],
                "pbx": ["203.0.113.10/32"],
                "reporting-api-users": [],
                "any": ["10.0.0.0/8"],
            },
        )
        require_provider(self, self.environment)
        lb = LoadBalancer(self.environment, "lb")
        tel = TelephonyServer(self.environment, "tel")
        data = AcdServer(self.environment, "data", roles=["ACD-DBM", "ACD-DBS", "ACD-DBR", "ACD-STORE", "ACD-JB"])
        self.environment.allow_from("10.9.2.5/32", tcp(22, 3389), reason="administration")

        # on a network interface: the application security groups, and then the NSG, whose rules name them
        for name, server in (("lb-1", lb), ("data-1", data)):
            server.associate_network_interface(name, self.interface(name, subnet.string_value))
        # or once for a whole subnet; the machines still join their application security groups
        tel.associate_subnet("telephony", telephony_subnet.string_value)

    def interface(self, name: str, subnet_id: str) -> str:
        """The id of a network interface for a machine."""
        made = TerraformResource(self, name, terraform_resource_type="azurerm_network_interface")
        made.add_override("name", name)
        made.add_override("location", LOCATION)
        made.add_override("resource_group_name", RESOURCE_GROUP)
        made.add_override(
            "ip_configuration",
            [{"name": "internal", "subnet_id": subnet_id, "private_ip_address_allocation": "Dynamic"}],
        )
        return made.get_string_attribute("id")


def main() -> int:
    try:
        app = App()
        # a mistake ends here, before anything is written
        ContactCentre(app, "contact-centre").environment.check()
    except JtelError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    app.synth()
    return 0


if __name__ == "__main__":
    sys.exit(main())
