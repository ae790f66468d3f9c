"""Sites of one system: each an environment file of its own, which names the servers of the others as elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

from jtel_constructs.policy.addresses import Family, Network, collapse, family
from jtel_constructs.policy.parts import Server
from jtel_constructs.policy.rules import RuleSet


@dataclass(frozen=True, slots=True)
class Contradiction:
    """Two or more sites of one system that do not describe the same system.

    Attributes:
        sites: names of the environments.
        about: what they differ in: ``server:NAME``, ``redundant``, ``supplements``, ``matrix``, ``peers:NAME`` or
            ``narrow:ROW``.
        message: what each of them says.
    """

    sites: tuple[str, ...]
    about: str
    message: str


def systems(found: Iterable[RuleSet]) -> list[list[RuleSet]]:
    """The environments that are sites of one system, together; most are a system of their own.

    Environments that name their `system` are told by it. Of others, two are sites of one system where each has a server
    here that the other has elsewhere, unless their addresses speak against every one of them; where one has a server
    here at an address that the other has elsewhere by that name; or where both have the same server elsewhere, and none
    here in common. Names alone say little: most systems have a server `tel`.
    """
    together: list[list[RuleSet]] = []
    for one in found:
        mine = [some for some in together if any(_linked(one, other) for other in some)]
        together = [some for some in together if some not in mine]
        together.append([*(site for some in mine for site in some), one])
    return together


def contradictions(found: Iterable[RuleSet]) -> tuple[Contradiction, ...]:
    """What sites of one system say otherwise of it, among all these environments."""
    result: list[Contradiction] = []
    for sites in systems(found):
        for one, other in combinations(sites, 2):
            result += _of_the_system(one, other)
            result += _of_servers(one, other)
        if len(sites) > 1:
            result += _nobodys(sites)
    return tuple(result)


def _servers(site: RuleSet) -> dict[str, Server]:
    return {server.name: server for server in (*site.servers, *site.elsewhere)}


def _linked(one: RuleSet, other: RuleSet) -> bool:
    if one.environment.system is not None and other.environment.system is not None:
        return one.environment.system == other.environment.system
    mine, theirs = _servers(one), _servers(other)
    both = [(mine[name], theirs[name]) for name in mine.keys() & theirs.keys()]
    if {(a.elsewhere, b.elsewhere) for a, b in both} >= {(True, False), (False, True)}:
        return any(_meet(a, b) or not (a.addresses and b.addresses) for a, b in both)
    if all(a.elsewhere and b.elsewhere for a, b in both):
        return any(_meet(a, b) for a, b in both)
    return any(a.elsewhere is not b.elsewhere and _meet(a, b) for a, b in both)


def _meet(a: Server, b: Server) -> bool:
    return any(x.version == y.version and x.overlaps(y) for x in a.addresses for y in b.addresses)


def _of_the_system(one: RuleSet, other: RuleSet) -> Iterator[Contradiction]:
    a, b = one.environment, other.environment
    if a.redundant != b.redundant:
        yield _differ(one, other, "redundant", "redundant", str(a.redundant).lower(), str(b.redundant).lower())
    if set(a.supplements) != set(b.supplements):
        shown = [", ".join(sorted(some.supplements)) or "none" for some in (a, b)]
        yield _differ(one, other, "supplements", "the supplements", *shown)
    if one.matrix != other.matrix:
        yield Contradiction((a.name, b.name), "matrix", f"{a.name} and {b.name} go by different matrices")
    used = _common_families(one, other)
    for name in sorted(set(a.peers) & set(b.peers)):
        yield from _blocks(one, other, f"peers:{name}", f"the peer {name}", a.peers[name], b.peers[name], used)
    for row in sorted(set(a.narrow) | set(b.narrow)):
        if row not in a.narrow or row not in b.narrow:
            shown = ["narrowed" if row in some.narrow else "not narrowed" for some in (a, b)]
            yield _differ(one, other, f"narrow:{row}", f"the row {row}", *shown)
        else:
            yield from _blocks(one, other, f"narrow:{row}", f"narrow {row}", a.narrow[row], b.narrow[row], used)


def _of_servers(one: RuleSet, other: RuleSet) -> Iterator[Contradiction]:
    mine, theirs = _servers(one), _servers(other)
    names = (one.environment.name, other.environment.name)
    for name in sorted(mine.keys() | theirs.keys()):
        about = f"server:{name}"
        if name not in mine or name not in theirs:
            here, lacking = names if name in mine else names[::-1]
            message = f"{here} has the server {name}, which {lacking} does not know: its rules never let it in"
            yield Contradiction(names, about, f"{message}; name it there (elsewhere: true, and its addresses)")
            continue
        a, b = mine[name], theirs[name]
        if not a.elsewhere and not b.elsewhere:
            message = (
                f"the server {name} stands in {names[0]} and in {names[1]}; say in one of them that it is elsewhere"
            )
            yield Contradiction(names, about, message)
        if set(a.roles) != set(b.roles):
            yield _differ(one, other, about, f"the roles of {name}", ", ".join(a.roles), ", ".join(b.roles))
        if a.system != b.system:
            yield _differ(one, other, about, f"the os of {name}", a.system, b.system)
        # where it stands, its addresses need not be given: its groups name it there
        if a.addresses and b.addresses:
            used = _common_families(one, other)
            yield from _blocks(one, other, about, f"the addresses of {name}", a.addresses, b.addresses, used)


def _nobodys(sites: Sequence[RuleSet]) -> Iterator[Contradiction]:
    """Servers that stand in none of the sites, unless each site says that this is known."""
    names = tuple(site.environment.name for site in sites)
    for name in sorted({server.name for site in sites for server in site.elsewhere}):
        homes = [site for site in sites if any(server.name == name for server in site.servers)]
        read = all(f"elsewhere:{name}" in {notice.id for notice in site.acknowledged} for site in sites)
        if not homes and not read:
            message = (
                f"the server {name} stands elsewhere in {' and in '.join(names)}: none of them opens anything at it. "
                "Check the environment of its site as well; or, where it has none (on premises), let each file say so: "
                f"acknowledged: [elsewhere:{name}]"
            )
            yield Contradiction(names, f"server:{name}", message)


def _common_families(one: RuleSet, other: RuleSet) -> frozenset[Family]:
    return frozenset(one.environment.ip_families) & frozenset(other.environment.ip_families)


def _blocks(
    one: RuleSet,
    other: RuleSet,
    about: str,
    what: str,
    mine: Iterable[Network],
    theirs: Iterable[Network],
    used: frozenset[Family],
) -> Iterator[Contradiction]:
    """Whether two lists of blocks are the same addresses, in the families that both sites use."""
    a, b = (collapse(block for block in some if family(block) in used) for some in (mine, theirs))
    if a != b:
        yield _differ(one, other, about, what, *(", ".join(map(str, some)) or "nobody" for some in (a, b)))


def _differ(one: RuleSet, other: RuleSet, about: str, what: str, mine: str, theirs: str) -> Contradiction:
    names = (one.environment.name, other.environment.name)
    plural = "are" if what.startswith(("the roles", "the addresses", "the supplements")) else "is"
    return Contradiction(names, about, f"{what} {plural} {mine} in {names[0]}, and {theirs} in {names[1]}")
