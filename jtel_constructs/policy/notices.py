"""What the owner of an environment should know although nothing is wrong, and what of it the owner has read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from jtel_constructs.errors import one_of, suggestion
from jtel_constructs.matrix import ROLES, Matrix, Role, SupplementRow
from jtel_constructs.matrix.files import KeyPath
from jtel_constructs.policy.addresses import FAMILIES, Network, family, whole_internet
from jtel_constructs.policy.elsewhere import shared_addresses
from jtel_constructs.policy.environment import Environment
from jtel_constructs.policy.notice_kinds import KINDS, Notice
from jtel_constructs.policy.parts import Server
from jtel_constructs.policy.rules import Demand, FromBlock
from jtel_constructs.policy.topologies import TOPOLOGIES

_DATABASES: tuple[Role, ...] = ("ACD-DBM", "ACD-DBS", "ACD-DBR")


# what is attacked as soon as the internet reaches it: protocol, first and last port
_WATCHED: dict[str, tuple[str, tuple[tuple[str, int, int], ...]]] = {
    "databases": ("the databases", (("tcp", 3306, 3308),)),
    "file-share": ("the file share", (("tcp", 445, 445),)),
    "sip": ("SIP", (("tcp", 5060, 5061), ("udp", 5060, 5061))),
    "rtp": ("RTP", (("udp", 30000, 34999),)),
}


def notices(
    environment: Environment, matrix: Matrix, servers: tuple[Server, ...], demands: Iterable[Demand]
) -> tuple[Notice, ...]:
    """The notices of an environment, those too that its file acknowledges."""
    found = [
        *_supplements(environment, matrix, servers),
        *_open_to_world(demands),
        *_missing_roles(servers),
        *_one_entry(environment, matrix, servers),
    ]
    if environment.redundant and any("ACD-TEL" in server.roles for server in servers):
        message = (
            "UDP 20202 is a broadcast port: cloud networks carry no broadcast, so several telephony servers will not "
            "find one another by it here. The rule is emitted all the same."
        )
        found.append(Notice("broadcast", message))
    if environment.egress == "none":
        message = (
            "egress is none: no server can open a connection, not even to another server. Attach a group of your own "
            "that allows what must go out."
        )
        found.append(Notice("egress-none", message))
    found += _elsewhere(environment, servers)
    return tuple(found)


def acknowledge(environment: Environment, found: Iterable[Notice]) -> tuple[tuple[Notice, ...], tuple[Notice, ...]]:
    """The notices that are to be said, and those that the environment's owner has read."""
    known = {notice.id: notice for notice in found}
    read = tuple(notice for notice in known.values() if notice.id in environment.acknowledged)
    said = [notice for notice in known.values() if notice.id not in environment.acknowledged]
    for id in environment.acknowledged:
        if id not in known:
            near = suggestion(id, known)
            hint = f"; did you mean {near}?" if near else "; take it out of the list."
            said.append(Notice("not-occurring", f"acknowledged names {id}, which does not occur{hint}"))
    return tuple(said), read


def wrong_acknowledgements(environment: Environment) -> list[tuple[KeyPath, str]]:
    """Ids in `acknowledged` that no notice can have, or that stand twice."""
    problems: list[tuple[KeyPath, str]] = []
    for index, id in enumerate(environment.acknowledged):
        kind, colon, subject = id.partition(":")
        where = ("acknowledged", index)
        if kind not in KINDS or kind == "not-occurring":
            allowed = [
                f"{name}:{known.subject.upper()}" if known.subject else name
                for name, known in KINDS.items()
                if name != "not-occurring"
            ]
            problems.append((where, one_of(id, allowed, "notice")))
        elif bool(KINDS[kind].subject) != bool(subject) or bool(colon) != bool(subject):
            needed = f"{kind}:{KINDS[kind].subject.upper()}" if KINDS[kind].subject else kind
            problems.append((where, f"{id!r} is no id of a notice; write {needed}, as `jtel check` prints it"))
        elif id in environment.acknowledged[:index]:
            problems.append((where, f"{id!r} stands twice in the list"))
    return problems


def _supplements(environment: Environment, matrix: Matrix, servers: tuple[Server, ...]) -> Iterator[Notice]:
    known = [supplement.key for supplement in matrix.supplements]
    for name, why in _missing_supplements(environment, servers).items():
        if name in known and name not in environment.supplements:
            yield Notice(
                f"supplement-off:{name}",
                f"supplement {name} is off: {why}. It is not in the jtel document; switch it on with "
                f"supplements: [{name}].",
            )
    for name in environment.supplements:
        yield Notice(f"supplement-on:{name}", f"supplement {name} is on: its ports are not in the jtel document.")


def _open_to_world(demands: Iterable[Demand]) -> Iterator[Notice]:
    demands = [demand for demand in demands if isinstance(demand.source, FromBlock)]
    for id, (service, ranges) in _WATCHED.items():
        servers: dict[str, None] = {}
        rows: dict[str, None] = {}
        families: dict[str, None] = {}
        for protocol, first, last in ranges:
            mine = [
                demand
                for demand in demands
                if demand.protocol == protocol and demand.ports.first <= last and first <= demand.ports.last
            ]
            for server in sorted({demand.destination for demand in mine}):
                at_server = [demand for demand in mine if demand.destination == server]
                for used in whole_internet(frozenset(map(_network, at_server))):
                    servers[server] = None
                    families[f"IPv{used[-1]}"] = None
                    rows.update(dict.fromkeys(demand.row for demand in at_server if family(_network(demand)) == used))
        if servers:
            yield Notice(
                f"open-to-world:{id}",
                f"the whole internet ({' and '.join(families)}) reaches {service} on {', '.join(servers)}, opened by "
                f"{', '.join(rows)}; give whoever opens it fewer addresses.",
            )


def _network(demand: Demand) -> Network:
    assert isinstance(demand.source, FromBlock)
    return demand.source.network


def _missing_roles(servers: tuple[Server, ...]) -> Iterator[Notice]:
    there = {role for server in servers for role in server.roles}
    for role in ROLES:
        everywhere = all(any(role in roles for roles in sizes.values()) for sizes in TOPOLOGIES.values())
        if everywhere and role not in there:
            yield Notice(
                f"role-missing:{role}",
                f"no server has the role {role}, which every size that jtel installs has; if it stands on premises, "
                "name it with elsewhere: true and its addresses.",
            )


def _one_entry(environment: Environment, matrix: Matrix, servers: tuple[Server, ...]) -> Iterator[Notice]:
    if not environment.redundant:
        return
    clustered = _clustered(matrix)
    alone: dict[str, list[Role]] = {}
    for role in clustered:
        entries = [server for server in servers if role in server.roles]
        if len(entries) == 1:
            alone.setdefault(entries[0].name, []).append(role)
    for name, roles in sorted(alone.items()):
        yield Notice(
            f"one-entry:{name}",
            f"{name} is the only entry with {', '.join(roles)} of a redundant system: it must be several machines, "
            "all in the group of this entry.",
        )


def _clustered(matrix: Matrix) -> list[Role]:
    """The roles whose machines talk among themselves in a redundant system alone, or by a supplement."""
    rows = [row for row in matrix.rows if not row.non_redundant]
    added: list[SupplementRow] = [row for supplement in matrix.supplements for row in supplement.rows]
    return [role for role in ROLES if any(role in row.sources and role == row.destination for row in (*rows, *added))]


def _elsewhere(environment: Environment, servers: tuple[Server, ...]) -> Iterator[Notice]:
    for server in servers:
        if server.group and server.open_group:
            yield Notice(
                f"group-opened:{server.name}",
                f"{server.name}: its rules go onto group {server.group}, which is managed elsewhere; what else is in "
                "it stays, and is not judged.",
            )
        elif server.group:
            yield Notice(
                f"group-elsewhere:{server.name}",
                f"{server.name}: its group {server.group} is managed elsewhere; what must be opened there is somebody "
                "else's work, which `jtel firewall --elsewhere` lists.",
            )
    away = [server for server in servers if server.elsewhere and not server.group]
    for server in away:
        yield Notice(
            f"elsewhere:{server.name}",
            f"{server.name} stands elsewhere: this cloud opens nothing there. `jtel firewall --elsewhere` lists what "
            "must be opened, for the team that runs the firewall.",
        )
    for server in away:
        used = {family(block) for block in server.addresses}
        for lacking in FAMILIES:
            if lacking in environment.ip_families and lacking not in used:
                yield Notice(
                    f"no-address:{server.name}-{lacking}",
                    f"{server.name} stands elsewhere and has no {lacking} address: in {lacking} nothing lets it in.",
                )
    for one, other in shared_addresses(servers):
        yield Notice(
            f"shared-addresses:{one.name}+{other.name}",
            f"{one.name} and {other.name} have addresses in common: rules cannot tell them apart there, and each gets "
            "in wherever the other does.",
        )


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
