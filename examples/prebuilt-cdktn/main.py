"""A CDKTF app with prebuilt provider bindings: its VPC and machine are their classes, the security groups are ours.

The bindings come with a provider of their own, so `require_provider` is left out; its region must be the platform's.
"""

from __future__ import annotations

import sys

from cdktn import App, TerraformStack
from cdktn_provider_aws.instance import Instance
from cdktn_provider_aws.provider import AwsProvider
from cdktn_provider_aws.subnet import Subnet
from cdktn_provider_aws.vpc import Vpc
from constructs import Construct

from jtel_constructs import AcdServer, AwsPlatform, JtelEnvironment, JtelError, LoadBalancer, TelephonyServer

REGION = "eu-central-1"


class ContactCentre(TerraformStack):
    """Network, security groups and machines of one installation."""

    def __init__(self, scope: Construct, id: str) -> None:
        super().__init__(scope, id)
        AwsProvider(self, "aws", region=REGION)
        vpc = Vpc(self, "vpc", cidr_block="10.8.0.0/16")
        subnet = Subnet(self, "subnet", vpc_id=vpc.id, cidr_block="10.8.1.0/24")
        self.environment = JtelEnvironment(
            self,
            "jtel",
            name="contact-centre",
            redundant=False,
            platform=AwsPlatform(region=REGION, vpc_id=vpc.id),
            peers={
                "jtel-support": ["198.51.100.0/28"],
                "pbx": ["203.0.113.10/32"],
                "reporting-api-users": [],
                "any": ["10.0.0.0/8"],
            },
        )
        lb = LoadBalancer(self.environment, "lb")
        tel = TelephonyServer(self.environment, "tel")
        data = AcdServer(self.environment, "data", roles=["ACD-DBM", "ACD-DBS", "ACD-DBR", "ACD-STORE", "ACD-JB"])
        for server in (lb, tel, data):
            Instance(
                self,
                server.server_name,
                ami="ami-0123456789abcdef0",
                instance_type="m7i.large",
                subnet_id=subnet.id,
                vpc_security_group_ids=server.security_group_ids,
                tags={"Name": server.server_name},
            )


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
