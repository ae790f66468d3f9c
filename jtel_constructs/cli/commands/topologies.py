"""`jtel topologies`: the sizes that jtel installs."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from jtel_constructs.cli.common import print_json
from jtel_constructs.cli.tables import print_table
from jtel_constructs.matrix import ROLES
from jtel_constructs.policy import TOPOLOGIES, Server

HELP = "the sizes that jtel installs, and their servers"
DESCRIPTION = "Print what each value of the key `topology` gives: servers and their roles."
EXAMPLES = ("jtel topologies",)


def arguments(parser: ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument("--json", action="store_true", help="for programs: JSON on standard output")


def run(options: Namespace) -> int:
    """Run the command; the exit code."""
    servers = {
        topology: [Server(name=name, roles=roles) for name, roles in given.items()]
        for topology, given in TOPOLOGIES.items()
    }
    if options.json:
        print_json(
            {
                topology: [{"name": server.name, "roles": list(server.roles), "os": server.system} for server in given]
                for topology, given in servers.items()
            }
        )
        return 0
    for topology, given in servers.items():
        missing = [role for role in ROLES if not any(role in server.roles for server in given)]
        print_table(
            f"{topology}: {len(given)} servers" + (f"; without {', '.join(missing)}" if missing else ""),
            ("server", "os", "roles"),
            ((server.name, server.system, ", ".join(server.roles)) for server in given),
            wrap="roles",
        )
    return 0
