"""A customer's own CDKTF app on OpenStack: ports of its own, which carry jtel's groups and no others."""

from __future__ import annotations

import sys

from cdktf import App, TerraformResource, TerraformStack, TerraformVariable
from constructs import Construct

from jtel_constructs import (
    AcdServer,
    JtelEnvironment,
    JtelError,
    OpenStackPlatform,
    TelephonyServer,
    require_provider,
    tcp,
)


class ContactCentre(TerraformStack):
    """The machines' ports, and the jtel environment around them."""

    def __init__(self, scope: Construct, id: str) -> None:
        super().__init__(scope, id)
        network = TerraformVariable(self, "network_id", type="string", description="network of all machines")
        self.environment = JtelEnvironment(
            self,
            "jtel",
            name="contact-centre",
            redundant=False,
            platform=OpenStackPlatform(),
            peers={
                "jtel-support": ["198.51.100.0/28"],
                "pbx": ["203.0.113.10/32"],
                "reporting-api-users": [],
                "any": ["10.0.0.0/8"],
            },
        )
        require_provider(self, self.environment)
        # older ones leave groups on a port that the association below has taken off
        self.add_override("terraform.required_providers.openstack.version", ">= 3.4.0, < 4.0.0")
        acd = AcdServer(
            self.environment, "acd", roles=["ACD-STORE", "ACD-LB", "ACD-DBM", "ACD-DBS", "ACD-DBR", "ACD-JB"]
        )
        tel = TelephonyServer(self.environment, "tel")
        acd.allow_from(tel, tcp(9100), reason="metrics, gathered on the telephony server")
        for name, server in (("acd-1", acd), ("tel-1", tel), ("tel-2", tel)):
            self.port(name, network.string_value, server)

    def port(self, name: str, network_id: str, server: AcdServer) -> None:
        """A port for a machine, with the server's two groups."""
        port = TerraformResource(self, name, terraform_resource_type="openstack_networking_port_v2")
        port.add_override("name", name)
        port.add_override("network_id", network_id)
        # Not `security_group_ids` of the port: the provider does not read them back, so groups that somebody takes off
        # by hand would stay off. The association sees and mends that.
        groups = TerraformResource(
            self, f"{name}-groups", terraform_resource_type="openstack_networking_port_secgroup_associate_v2"
        )
        groups.add_override("port_id", port.get_string_attribute("id"))
        groups.add_override("security_group_ids", server.security_group_ids)
        groups.add_override("enforce", True)


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
