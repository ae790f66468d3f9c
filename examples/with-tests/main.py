"""A repository of your own with tests of its own: the stack is here, what must hold of it is in tests/."""

from __future__ import annotations

import sys

from cdktf import App, TerraformStack
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


class ContactCentre(TerraformStack):
    """The security groups of one installation."""

    def __init__(self, scope: Construct, id: str) -> None:
        super().__init__(scope, id)
        self.environment = JtelEnvironment(
            self,
            "acd",
            name="contact-centre",
            redundant=False,
            platform=AwsPlatform(region="eu-central-1", vpc_id="vpc-0123456789abcdef0"),
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
        data = AcdServer(self.environment, "data", roles=["ACD-DBM", "ACD-DBS", "ACD-DBR", "ACD-STORE", "ACD-JB"])
        data.allow_from("10.9.0.0/28", tcp(3306), reason="nightly backup")


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
