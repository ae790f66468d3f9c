"""The environment of stacks/environments/demo-aws.yaml, written in Python alone: the same Terraform JSON."""

from __future__ import annotations

import sys

from cdktf import App, TerraformStack

from jtel_constructs import (
    AcdServer,
    AwsPlatform,
    ChatServer,
    DatabaseMaster,
    JtelEnvironment,
    JtelError,
    LoadBalancer,
    RestServer,
    Storage,
    TelephonyServer,
    WebServer,
    require_provider,
)


def build(app: App) -> JtelEnvironment:
    stack = TerraformStack(app, "demo-aws")
    environment = JtelEnvironment(
        stack,
        "environment",
        name="demo-aws",
        redundant=True,
        platform=AwsPlatform(region="eu-central-1", vpc_id="vpc-0123456789abcdef0"),
        peers={
            "jtel-support": ["198.51.100.0/28", "2001:db8:5::/48"],
            "pbx": ["203.0.113.10/32"],
            "reporting-api-users": ["10.8.0.0/16"],
            "any": ["0.0.0.0/0", "::/0"],
        },
        # the world may reach 80 and 443, but not the admin page of haproxy
        narrow={"haproxy-web": ["10.8.0.0/16"]},
        ip_families=["ipv4", "ipv6"],
        supplements=["database-backend", "database-replication"],
        tags={"team": "contact-centre"},
    )
    require_provider(stack, environment)
    LoadBalancer(environment, "lb")
    WebServer(environment, "jb")
    TelephonyServer(environment, "tel")
    DatabaseMaster(environment, "dbm")
    AcdServer(environment, "dbs", roles=["ACD-DBS", "ACD-DBR"])
    Storage(environment, "store")
    ChatServer(environment, "chat")
    RestServer(environment, "rest")
    return environment


def main() -> int:
    try:
        app = App()
        build(app).check()
    except JtelError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    app.synth()
    return 0


if __name__ == "__main__":
    sys.exit(main())
