"""Two environments in one stack, the second one in another region by an aliased provider.

No cloud can name a security group of another region, so each side knows the other by its addresses.
"""

from __future__ import annotations

import sys

from cdktf import App, TerraformProvider, TerraformStack
from constructs import Construct

from jtel_constructs import (
    AcdServer,
    AwsPlatform,
    JtelEnvironment,
    JtelError,
    LoadBalancer,
    TelephonyServer,
    require_provider,
    tcp,
)

SUPPORT, PBX, STAFF = ["198.51.100.0/28"], ["203.0.113.10/32"], ["10.0.0.0/8"]
BRANCH_ADDRESSES = "10.9.0.0/24"


class ContactCentre(TerraformStack):
    """The main site in Frankfurt, a branch in Ireland."""

    def __init__(self, scope: Construct, id: str) -> None:
        super().__init__(scope, id)
        self.environment = JtelEnvironment(
            self,
            "main",
            name="main",
            redundant=False,
            platform=AwsPlatform(region="eu-central-1", vpc_id="vpc-0123456789abcdef0"),
            peers={"jtel-support": SUPPORT, "pbx": PBX, "reporting-api-users": [], "any": STAFF},
        )
        require_provider(self, self.environment)
        lb = LoadBalancer(self.environment, "lb")
        TelephonyServer(self.environment, "tel")
        AcdServer(self.environment, "data", roles=["ACD-DBM", "ACD-DBS", "ACD-DBR", "ACD-STORE", "ACD-JB"])
        lb.allow_from(BRANCH_ADDRESSES, tcp(3307), reason="real-time reports of the branch")

        ireland = TerraformProvider(
            self, "ireland", terraform_resource_type="aws", terraform_provider_source="hashicorp/aws"
        )
        ireland.add_override("alias", "ireland")
        ireland.add_override("region", "eu-west-1")
        self.branch = JtelEnvironment(
            self,
            "branch",
            name="branch",
            redundant=False,
            platform=AwsPlatform(region="eu-west-1", vpc_id="vpc-0fedcba9876543210"),
            peers={"jtel-support": SUPPORT, "pbx": PBX, "reporting-api-users": [], "any": STAFF},
            provider=ireland,
            output="branch_servers",
        )
        TelephonyServer(self.branch, "tel")
        self.branch.check()


def main() -> int:
    app = App()
    try:
        ContactCentre(app, "contact-centre").environment.check()
    except JtelError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    app.synth()
    return 0


if __name__ == "__main__":
    sys.exit(main())
