"""What the owner of an environment should know although nothing is wrong."""

from __future__ import annotations

from jtel_constructs.matrix import Matrix, Role
from jtel_constructs.policy.addresses import FAMILIES, family
from jtel_constructs.policy.elsewhere import shared_addresses
from jtel_constructs.policy.environment import Environment, Server

_DATABASES: tuple[Role, ...] = ("ACD-DBM", "ACD-DBS", "ACD-DBR")


def notices(environment: Environment, matrix: Matrix, servers: tuple[Server, ...]) -> tuple[str, ...]:
    """The notices of an environment, as sentences."""
    found = [
        f"supplement {name} is off: {why}. It is not in the jtel document; switch it on with supplements: [{name}]."
        for name, why in _missing_supplements(environment, servers).items()
        if name not in environment.supplements and name in [supplement.key for supplement in matrix.supplements]
    ]
    found.extend(
        f"supplement {name} is on: its ports are not in the jtel document." for name in environment.supplements
    )
    if environment.redundant and any("ACD-TEL" in server.roles for server in servers):
        found.append(
            "UDP 20202 is a broadcast port: cloud networks carry no broadcast, so several telephony servers will not "
            "find one another by it here. The rule is emitted all the same."
        )
    if environment.egress == "none":
        found.append(
            "egress is none: no server can open a connection, not even to another server. Attach a group of your own "
            "that allows what must go out."
        )
    found += _elsewhere(environment, servers)
    return tuple(found)


def _elsewhere(environment: Environment, servers: tuple[Server, ...]) -> list[str]:
    away = [server for server in servers if server.elsewhere]
    found: list[str] = []
    if away:
        names = ", ".join(server.name for server in away)
        found.append(
            f"{names} stand{'s' * (len(away) == 1)} elsewhere: this cloud opens nothing there. `jtel firewall "
            "--elsewhere` lists what must be opened, for the team that runs the firewall."
        )
    for server in away:
        used = {family(block) for block in server.addresses}
        for lacking in FAMILIES:
            if lacking in environment.ip_families and lacking not in used:
                found.append(
                    f"{server.name} stands elsewhere and has no {lacking} address: in {lacking} nothing lets it in."
                )
    for one, other in shared_addresses(servers):
        found.append(
            f"{one.name} and {other.name} have addresses in common: rules cannot tell them apart there, and each gets "
            "in wherever the other does."
        )
    return found


def _missing_supplements(environment: Environment, servers: tuple[Server, ...]) -> dict[str, str]:
    with_role = {
        role: {server.name for server in servers if role in server.roles}
        for role in (*_DATABASES, "ACD-LB", "ACD-STORE")
    }
    balancers, masters, stores = with_role["ACD-LB"], with_role["ACD-DBM"], with_role["ACD-STORE"]
    slaves = with_role["ACD-DBS"] | with_role["ACD-DBR"]
    needed: dict[str, str] = {}
    if balancers and (masters | slaves) - balancers:
        needed["database-backend"] = "the document opens no database port from ACD-LB to the databases"
    if masters and ((slaves - masters) or len(masters) > 1 or environment.redundant):
        needed["database-replication"] = "the document opens no port between the databases"
    if stores and (environment.redundant or len(stores) > 1):
        needed["store-cluster"] = "the document opens no cluster port between the ACD-STORE servers"
    if masters:
        needed["database-udp-listener"] = (
            "the database UDP listener runs on ACD-DBM, the document opens UDP 20644 on ACD-JB alone"
        )
    return needed
