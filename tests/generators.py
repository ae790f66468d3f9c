"""Generated environments: plain dicts in the form of an environment file, right ones and broken ones.

`environments()` gives what `Environment.build` and `compute` take; a cloud's limits may still refuse it, as may Azure
where the names of two servers lead to the same priority. `broken()` gives such a dict with something wrong in it,
mostly. `on_cloud()` moves an environment to another cloud.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from ipaddress import IPv4Address, IPv6Address, ip_network
from typing import Any

from hypothesis import strategies as st

from jtel_constructs.matrix import ROLES, load_matrix
from jtel_constructs.policy import TOPOLOGIES

Values = dict[str, Any]
Draw = Callable[[st.SearchStrategy[Any]], Any]

CLOUDS = ("aws", "azure", "openstack")
PEERS = ("jtel-support", "pbx", "reporting-api-users", "any")
SUPPLEMENTS = tuple(supplement.key for supplement in load_matrix().supplements)
NARROWABLE = tuple(row.key for row in load_matrix().rows if "any" in row.sources)
WORLD = {"ipv4": "0.0.0.0/0", "ipv6": "::/0"}

PLATFORMS: dict[str, Values] = {
    "aws": {"cloud": "aws", "region": "eu-central-1", "vpc_id": "vpc-0123456789abcdef0"},
    "azure": {"cloud": "azure", "location": "westeurope", "resource_group": "rg-jtel"},
    "openstack": {"cloud": "openstack", "region": "RegionOne"},
}
# so high that what is generated fits, on the clouds that have something to raise
LIMITS: dict[str, Values] = {
    "aws": {"rules_per_security_group": 500, "security_groups_per_interface": 2},
    "azure": {},
    "openstack": {"security_groups": -1, "security_group_rules": -1},
}
_ASG = "/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/rg/providers/Microsoft.Network"
GROUPS: dict[str, tuple[str, ...]] = {
    "aws": ("group:jump=sg-0fedcba9876543210", "group:123456789012/sg-00112233445566778"),
    "azure": (f"group:jump={_ASG}/applicationSecurityGroups/jump", f"group:{_ASG}/applicationSecurityGroups/probes"),
    "openstack": (
        "group:jump=5d4d0a52-36d4-4ea1-9d3a-0b8f2c8b1e11",
        "group:8f14e45f-ceea-467f-a9d8-0b1d1c2b3a4f",
    ),
}

# names that would run together, or clash, if somebody joined or folded them carelessly
_TRICKY_NAMES = ("a", "b", "a-b", "a_b", "a__b", "A1", "tcp", "udp_22", "lb", "LB-2", "server_a", "ipv4", "egress", "7")
_NAMES = st.sampled_from(_TRICKY_NAMES) | st.from_regex(r"[A-Za-z0-9]([A-Za-z0-9_-]{0,10}[A-Za-z0-9])?", fullmatch=True)
_PORTS = st.sampled_from((1, 21, 23, 80, 81, 443, 3000, 3306, 5060, 8080, 9100, 20202, 20203, 65534, 65535))


def _blocks_v4() -> st.SearchStrategy[str]:
    # few addresses and many prefix lengths, so that blocks contain, touch and repeat one another
    parts = st.tuples(*[st.integers(0, 3)] * 3)
    lengths = st.sampled_from((8, 14, 15, 16, 22, 23, 24, 30, 31, 32))
    return st.builds(
        lambda given, bits: str(ip_network(f"10.{given[0]}.{given[1]}.{given[2]}/{bits}", strict=False)), parts, lengths
    )


def _blocks_v6() -> st.SearchStrategy[str]:
    parts = st.tuples(st.integers(0, 3), st.integers(0, 3))
    lengths = st.sampled_from((32, 46, 47, 48, 64, 127, 128))
    return st.builds(
        lambda given, bits: str(ip_network(f"2001:db8:{given[0]:x}::{given[1]:x}/{bits}", strict=False)), parts, lengths
    )


def blocks(families: list[str]) -> st.SearchStrategy[str]:
    """A block of one of these families."""
    by_family = {"ipv4": _blocks_v4(), "ipv6": _blocks_v6()}
    return st.one_of([by_family[family] for family in families])


@st.composite
def _servers(draw: Draw, names: list[str], families: list[str], all_here: bool) -> list[Values]:
    servers = []
    for name in names:
        roles = draw(st.lists(st.sampled_from(ROLES), min_size=1, max_size=4, unique=True))
        mixed = "ACD-TEL" in roles and len(roles) > 1
        system = draw(st.sampled_from(["linux", "windows"] if mixed else [None, None, "linux", "windows"]))
        place: Values = {}
        if addresses := draw(st.just([]) | st.lists(blocks(families), max_size=3)):
            place["addresses"] = addresses
            # one server at least must stand in the cloud
            if not all_here:
                place["elsewhere"] = draw(st.booleans())
        servers.append({"name": name, "roles": roles, **({"os": system} if system else {}), **place})
    if servers and all(server.get("elsewhere") for server in servers):
        del servers[0]["elsewhere"]
    return servers


def _distinct(names: list[str], taken: set[str]) -> list[str]:
    kept = []
    for name in names:
        if name.lower() not in taken | {"internal", *PEERS}:
            taken.add(name.lower())
            kept.append(name)
    return kept


@st.composite
def _inside(draw: Draw, outer: list[str]) -> str:
    """A block within one of these."""
    network = ip_network(draw(st.sampled_from(outer)))
    bits = draw(st.integers(network.prefixlen, min(network.max_prefixlen, network.prefixlen + 8)))
    offset = draw(st.integers(0, 3)) << (network.max_prefixlen - bits)
    first = int(network.network_address) + offset % network.num_addresses
    address = IPv4Address(first) if network.version == 4 else IPv6Address(first)
    return str(ip_network(f"{address}/{bits}", strict=False))


def _inside_of(outer: list[str]) -> st.SearchStrategy[list[str]]:
    # the world and its halves may be narrowed to what is not the world
    small = st.lists(_inside(outer), max_size=3).map(lambda found: [block for block in found if not _huge(block)])
    return small if outer else st.just([])


def _huge(block: str) -> bool:
    return ip_network(block).prefixlen < 8


@st.composite
def _peers(draw: Draw, families: list[str], max_blocks: int) -> dict[str, list[str]]:
    some = st.lists(blocks(families), max_size=max_blocks)
    found = {peer: draw(some) for peer in draw(st.permutations(PEERS))}
    # the world is for whoever opens no administration port, and for `any`, narrowed then
    for peer in draw(st.lists(st.sampled_from(("any", "pbx", "reporting-api-users")), max_size=2, unique=True)):
        if draw(st.booleans()):
            found[peer] = [*found[peer], *(WORLD[family] for family in families)]
    return found


@st.composite
def _site_rules(draw: Draw, cloud: str, servers: list[Values], peers: dict[str, list[str]], families: list[str]) -> Any:
    names = [server["name"] for server in servers]
    roles = sorted({role for server in servers for role in server["roles"]})
    small = [peer for peer, given in peers.items() if not any(map(_huge, given))]
    places = st.sampled_from([*names, *roles, "internal"])
    source = st.one_of(
        places, blocks(families), st.sampled_from(GROUPS[cloud]), *([st.sampled_from(small)] if small else [])
    )
    port = _PORTS | st.tuples(_PORTS, _PORTS).map(lambda pair: f"{min(pair)}-{max(pair)}")
    rule = st.fixed_dictionaries(
        {
            "from": source | st.lists(source, min_size=1, max_size=4),
            "to": places | st.lists(places, min_size=1, max_size=3),
            "protocol": st.sampled_from(["tcp", "udp", ["tcp", "udp"]]),
            "ports": port | st.lists(port, min_size=1, max_size=3),
            "reason": st.just("generated"),
        }
    )
    keys = draw(st.lists(st.sampled_from(("metrics", "backup", "a-1", "x")), max_size=3, unique=True))
    return [{"name": key, **draw(rule)} for key in keys]


@st.composite
def environments(
    draw: Draw,
    cloud: str | None = None,
    *,
    roomy: bool = True,
    max_servers: int = 5,
    max_blocks: int = 4,
    all_here: bool = False,
    topologies: bool = True,
) -> Values:
    """An environment that `compute` takes.

    Args:
        cloud: ``aws``, ``azure`` or ``openstack``; None for any of them.
        roomy: raise the cloud's limits, so that it takes the environment too; else its defaults hold.
        max_servers: at the most, beside a topology's.
        max_blocks: of each peer, at the most, beside the world.
        all_here: no server stands elsewhere.
        topologies: some have the servers of a preset topology too.
    """
    cloud = cloud or draw(st.sampled_from(CLOUDS))
    families = draw(st.sampled_from([["ipv4"], ["ipv6"], ["ipv4", "ipv6"], ["ipv6", "ipv4"]]))
    topology = draw(st.none() | st.sampled_from(sorted(TOPOLOGIES))) if topologies else None
    preset = TOPOLOGIES[topology] if topology else {}
    # one of the topology's names replaces that server, any other one is added
    replaced = draw(st.lists(st.sampled_from(sorted(preset)), max_size=1)) if preset else []
    wanted = draw(st.lists(_NAMES, min_size=0 if preset else 1, max_size=max_servers))
    added = _distinct(wanted, {name.lower() for name in preset}) or ([] if preset else ["only"])
    servers = draw(_servers([*replaced, *added], families, all_here))
    whole = servers + [{"name": name, "roles": list(roles)} for name, roles in preset.items() if name not in replaced]
    peers = draw(_peers(families, max_blocks))
    narrow = {
        row: draw(_inside_of(peers["any"])) for row in sorted(draw(st.sets(st.sampled_from(NARROWABLE), max_size=2)))
    }
    if any(map(_huge, peers["any"])):
        narrow["haproxy-web"] = draw(_inside_of(peers["any"]))
    platform = {**PLATFORMS[cloud]}
    if cloud == "openstack" and draw(st.booleans()):
        platform["address_groups"] = True
    values: Values = {
        "name": draw(st.sampled_from(("acd", "A", "prod-1", "a-b"))),
        "redundant": draw(st.booleans()),
        "platform": platform,
        "servers": servers,
        "peers": peers,
        "narrow": narrow,
        "ip_families": families,
        "supplements": draw(st.lists(st.sampled_from(SUPPLEMENTS), max_size=4, unique=True)),
        "site_rules": draw(_site_rules(cloud, whole, peers, families)),
        "egress": draw(st.sampled_from(("all", "none"))),
        "tags": draw(st.dictionaries(st.sampled_from(("team", "cost-centre")), st.sampled_from(("acd", "4711")))),
        "limits": {**LIMITS[cloud]} if roomy else {},
    }
    if topology:
        values["topology"] = topology
    # a key that says nothing may as well be missing
    return {key: value for key, value in values.items() if value not in ([], {}) or draw(st.booleans())}


def on_cloud(values: Values, cloud: str) -> Values:
    """The same environment on another cloud: its platform, limits and foreign groups."""
    moved = copy.deepcopy(values)
    was = moved["platform"]["cloud"]
    moved["platform"] = {**PLATFORMS[cloud]}
    moved["limits"] = {**LIMITS[cloud]}
    names = dict(zip(GROUPS[was], GROUPS[cloud], strict=True))
    for rule in moved.get("site_rules", ()):
        given = rule["from"]
        rule["from"] = [names.get(name, name) for name in given] if isinstance(given, list) else names.get(given, given)
    return moved


# -- broken ------------------------------------------------------------------------------------------------------------

JUNK: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 1.5, 22, 70000, 10**30),
    *("", " ", "x", "ACD-LBX", "any", "internal", "${x}", "\u00e4", "\x00", "\n", "x" * 5000),
    *("10.0.0.1/8", "::/0", "0.0.0.0/0", "::ffff:10.0.0.0/104", "fe80::%1/64", "a/b", "group:", "group:="),
    *("200-100", "0-65535"),
    *([], {}, [[]], [None], [0], ["x"], {"": ""}, {"x": None}, {"cloud": "aws"}, {"name": {}}),
)


def _paths(value: Any, where: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner: list[tuple[Any, ...]] = []
    if isinstance(value, dict):
        inner = [path for key, item in value.items() for path in _paths(item, (*where, key))]
    elif isinstance(value, list):
        inner = [path for index, item in enumerate(value) for path in _paths(item, (*where, index))]
    return [*([where] if where else []), *inner]


def _replace(draw: Draw, parent: Any, key: Any) -> None:
    parent[key] = copy.deepcopy(draw(st.sampled_from(JUNK)))


def _remove(draw: Draw, parent: Any, key: Any) -> None:
    del parent[key]


def _repeat(draw: Draw, parent: Any, key: Any) -> None:
    if isinstance(parent, list):
        parent.append(copy.deepcopy(parent[key]))
    else:
        parent[f"{key}s"] = copy.deepcopy(parent[key])


def _misspell(draw: Draw, parent: Any, key: Any) -> None:
    if isinstance(parent[key], str):
        at = draw(st.integers(0, len(parent[key])))
        parent[key] = (
            parent[key][:at] + draw(st.sampled_from(("", "x", " ", "/", ":", "0", "\u00df"))) + parent[key][at + 1 :]
        )
    elif isinstance(parent, dict):
        parent[str(key).swapcase()] = parent.pop(key)


def _wrap(draw: Draw, parent: Any, key: Any) -> None:
    parent[key] = draw(st.sampled_from(([parent[key]], {"value": parent[key]}, str(parent[key]))))


_MUTATIONS = (_replace, _remove, _repeat, _misspell, _wrap)


@st.composite
def broken(draw: Draw, cloud: str | None = None) -> Values:
    """An environment with one to three things changed at random; most are wrong then, a few still right."""
    values: Values = copy.deepcopy(draw(environments(cloud)))
    for _ in range(draw(st.integers(1, 3))):
        paths = _paths(values)
        if not paths:
            break
        *above, key = draw(st.sampled_from(paths))
        parent: Any = values
        for part in above:
            parent = parent[part]
        draw(st.sampled_from(_MUTATIONS))(draw, parent, key)
    return values
