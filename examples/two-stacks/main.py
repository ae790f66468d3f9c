"""Two stacks that need each other: the web servers' team deploys first, the rest of the contact centre after it.

Terraform makes one stack before the other, so references go one way. The first stack makes the web servers' group; the
second one names it as `group`, and with `open_group` puts the rules of both directions into the later stack.
"""

from __future__ import annotations

import sys
from typing import Any

from cdktf import App, TerraformProvider, TerraformResource, TerraformStack
from constructs import Construct

from jtel_constructs import (
    AcdServer,
    AwsPlatform,
    JtelEnvironment,
    JtelError,
    LoadBalancer,
    TelephonyServer,
    WebServer,
    require_provider,
)

REGION = "eu-central-1"


def resource(scope: Construct, type: str, id: str, /, **attributes: Any) -> TerraformResource:
    """A Terraform resource without generated bindings."""
    made = TerraformResource(scope, id, terraform_resource_type=type)
    for key, value in attributes.items():
        made.add_override(key, value)
    return made


class Web(TerraformStack):
    """The web servers' team: a VPC and the group of its machines, without a rule of jtel's."""

    def __init__(self, scope: Construct, id: str) -> None:
        super().__init__(scope, id)
        self.vpc = resource(self, "aws_vpc", "vpc", cidr_block="10.8.0.0/16").get_string_attribute("id")
        group = resource(self, "aws_security_group", "web", name="web", description="Web servers", vpc_id=self.vpc)
        self.group = group.get_string_attribute("id")
        aws = TerraformProvider(self, "aws", terraform_resource_type="aws", terraform_provider_source="hashicorp/aws")
        aws.add_override("region", REGION)


class ContactCentre(TerraformStack):
    """Everything else, and the rules between both."""

    def __init__(self, scope: Construct, id: str, web: Web) -> None:
        super().__init__(scope, id)
        self.environment = JtelEnvironment(
            self,
            "acd",
            name="contact-centre",
            redundant=False,
            platform=AwsPlatform(region=REGION, vpc_id=web.vpc),
            peers={
                "jtel-support": ["198.51.100.0/28"],
                "pbx": ["203.0.113.10/32"],
                "reporting-api-users": [],
                "any": ["10.0.0.0/8"],
            },
        )
        require_provider(self, self.environment)
        LoadBalancer(self.environment, "lb")
        TelephonyServer(self.environment, "tel")
        AcdServer(self.environment, "data", roles=["ACD-DBM", "ACD-DBS", "ACD-DBR", "ACD-STORE"])
        WebServer(self.environment, "web", group=web.group, open_group=True)


def main() -> int:
    app = App()
    try:
        ContactCentre(app, "contact-centre", Web(app, "web")).environment.check()
    except JtelError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    app.synth()
    return 0


if __name__ == "__main__":
    sys.exit(main())
