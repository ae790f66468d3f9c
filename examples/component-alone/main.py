"""The load balancer alone: web, REST and chat servers stand already, in security groups that somebody else manages.

The matrix wires it in both directions: rules of its own group, and on request rules on the groups that are there.
"""

from __future__ import annotations

import sys

from cdktf import App, TerraformStack
from constructs import Construct

from jtel_constructs import (
    AwsPlatform,
    ChatServer,
    JtelEnvironment,
    JtelError,
    LoadBalancer,
    RestServer,
    WebServer,
    require_provider,
)

VPC = "vpc-0123456789abcdef0"
WEB, REST, CHAT = "sg-0123456789abcdef1", "sg-0123456789abcdef2", "sg-0123456789abcdef3"


class ContactCentre(TerraformStack):
    """One new security group, and rules to and from those that are there."""

    def __init__(self, scope: Construct, id: str) -> None:
        super().__init__(scope, id)
        self.environment = JtelEnvironment(
            self,
            "acd",
            name="front",
            redundant=False,
            platform=AwsPlatform(region="eu-central-1", vpc_id=VPC),
            peers={"jtel-support": ["198.51.100.0/28"], "reporting-api-users": [], "any": ["10.0.0.0/8"]},
        )
        require_provider(self, self.environment)
        LoadBalancer(self.environment, "lb")
        WebServer(self.environment, "web", group=WEB, open_group=True)
        RestServer(self.environment, "rest", group=REST, open_group=True)
        ChatServer(self.environment, "chat", group=CHAT, open_group=True)


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
