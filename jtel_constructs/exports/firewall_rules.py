"""The firewall list as rules of real firewalls, rendered by aerleon.

What is rendered: the lines as permits, and behind them a refusal of all other TCP and UDP to the same destinations.
Everything else that passes the firewall is none of this system's business and stays as it is. Source ports are any, and
answers of connections that were let in come back by the firewall's own state.

aerleon leaves the address out of a rule whose address has none of the family that it renders, which would open the rule
to everybody. So every family is rendered by itself, from rules that have addresses of it on both ends.
"""

from __future__ import annotations

import hashlib
import logging
import re
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from jtel_constructs.errors import InputError, Problem, ToolError
from jtel_constructs.exports.firewall import Line, Party, without_addresses
from jtel_constructs.matrix import PROTOCOLS, PortRange, Protocol
from jtel_constructs.policy import FAMILIES, Family, Network, collapse

Hook = Literal["router", "server"]

# iptables takes 28 characters for a chain's name, aerleon puts two before it
_TERM = 22


@dataclass(frozen=True, slots=True)
class Firewall:
    """One kind of firewall.

    Attributes:
        target: aerleon's name of it.
        options: of aerleon's target, by place and family; None where it cannot stand in that place.
        families: those that aerleon renders right.
        one_family: a file of it holds one family alone.
        refuses: whether rules that refuse are written; where a refusal would come before every permit, they are not.
        answers: whether a rule of its own must let in what belongs to a connection that was let in.
    """

    target: str
    options: Callable[[Hook, Family], str | None]
    families: tuple[Family, ...] = FAMILIES
    one_family: bool = False
    refuses: bool = True
    answers: bool = False


def _netfilter(hook: Hook, over: Family) -> str:
    return f"{'inet' if over == 'ipv4' else 'inet6'} {'forward' if hook == 'router' else 'input'} ACCEPT"


def _speedway(hook: Hook, over: Family) -> str:
    return f"{'FORWARD' if hook == 'router' else 'INPUT'} ACCEPT {'inet' if over == 'ipv4' else 'inet6'}"


FIREWALLS: dict[str, Firewall] = {
    "nftables": Firewall("nftables", _netfilter),
    "iptables": Firewall("speedway", _speedway, one_family=True, answers=True),
    # Windows Firewall blocks what no rule allows, and a rule that blocks goes before all that allow
    "windows": Firewall(
        "windows_advfirewall",
        lambda hook, over: f"in {'inet' if over == 'ipv4' else 'inet6'}" if hook == "server" else None,
        refuses=False,
    ),
    "cisco-asa": Firewall("ciscoasa", lambda hook, over: "jtel" if hook == "router" else None, families=("ipv4",)),
    "palo-alto": Firewall(
        "paloalto",
        lambda hook, over: (
            f"from-zone any to-zone any {'inet' if over == 'ipv4' else 'inet6'}" if hook == "router" else None
        ),
        one_family=True,
    ),
}


def firewall_rules(
    lines: Sequence[Line], *, form: str, environment: str, protect: Collection[str], hook: Hook | None = None
) -> str:
    """The lines as rules of one kind of firewall.

    Args:
        lines: from `firewall_list`.
        form: a key of `FIREWALLS`.
        environment: its name, which the rules bear.
        protect: the servers to which everything else is refused.
        hook: ``router`` for a firewall before the servers, ``server`` for one on each server; None for the one that
            this kind of firewall can be, ``router`` where it can be both.

    Raises:
        InputError: an end's addresses are not given, or this firewall cannot express the lines.
        ToolError: aerleon is not installed.
    """
    firewall = FIREWALLS[form]
    places = [place for place in ("router", "server") if firewall.options(place, "ipv4") is not None]
    if hook is not None and hook not in places:
        raise InputError([Problem("--at", f"{form} rules stand at a {places[0]}; leave --at out")])
    at: Hook = hook or places[0]  # type: ignore[assignment]
    if at == "server":
        lines = [line for line in lines if line.destination.name in protect]
    if unknown := without_addresses(lines):
        raise InputError(
            [
                Problem(
                    "--format",
                    f"{form} rules need addresses, and those of {', '.join(unknown)} are not given; write them into "
                    "the environment file (servers: [{name: ..., addresses: [...]}]). The list itself (--format csv) "
                    "names them without",
                )
            ]
        )
    used = [over for over in FAMILIES if any(line.family == over for line in lines)]
    if lacking := [over for over in used if over not in firewall.families]:
        raise InputError(
            [
                Problem(
                    "--format",
                    f"{form} rules are written for {', '.join(firewall.families)} alone, and the list has "
                    f"{', '.join(lacking)} too; say --family {firewall.families[0]}, and take the rest from the list",
                )
            ]
        )
    if firewall.one_family and len(used) > 1:
        message = f"a file of {form} rules holds one address family; say --family, and make one of each"
        raise InputError([Problem("--format", message)])
    texts = []
    for over in used:
        options = firewall.options(at, over)
        assert options is not None
        mine = [line for line in lines if line.family == over]
        texts.append(_Rendering(firewall, options, environment, mine, protect).text())
    return _finished(form, environment, "\n".join(texts))


@dataclass(frozen=True, slots=True)
class _Term:
    row: str
    protocol: Protocol
    sources: frozenset[Party]
    destination: Party
    ports: tuple[PortRange, ...]


def _terms(lines: Iterable[Line]) -> list[_Term]:
    """One term for each row, protocol and destination, with all of its sources that get the same ports."""
    found: dict[tuple[str, Protocol, Party, tuple[PortRange, ...]], set[Party]] = defaultdict(set)
    for line in lines:
        found[line.id, line.protocol, line.destination, line.ports].add(line.source)
    return [
        _Term(row, protocol, frozenset(sources), destination, ports)
        for (row, protocol, destination, ports), sources in found.items()
    ]


class _Rendering:
    """One family of a firewall's rules."""

    def __init__(
        self,
        firewall: Firewall,
        options: str,
        environment: str,
        lines: Sequence[Line],
        protect: Collection[str],
    ) -> None:
        self.firewall, self.options, self.environment = firewall, options, environment
        self.terms = _terms(lines)
        self.protected = {line.destination for line in lines if line.destination.name in protect}
        self.networks: dict[str, dict[str, Any]] = {}
        self.services: dict[str, list[dict[str, str]]] = {}
        self._tokens: dict[Party, str] = {}

    def text(self) -> str:
        """The rules as aerleon renders them."""
        terms: list[dict[str, Any]] = []
        if self.firewall.answers:
            terms.append({"name": "answers", "option": ["established"], "action": "accept"})
        terms += [self._permit(term) for term in self.terms]
        if self.firewall.refuses and self.protected:
            terms += [
                {
                    "name": f"refuse-{protocol}",
                    "comment": f"all other {protocol} to these servers",
                    "destination-address": " ".join(sorted(self._token(end) for end in self.protected)),
                    "protocol": protocol,
                    "action": "deny",
                }
                for protocol in PROTOCOLS
            ]
        header = {"targets": {self.firewall.target: self.options}, "comment": f"jtel ACD system {self.environment}"}
        policy = {"filename": "jtel", "filters": [{"header": header, "terms": terms}]}
        return _generate(policy, {"networks": self.networks, "services": self.services})

    def _permit(self, term: _Term) -> dict[str, Any]:
        sources = sorted(self._token(party) for party in term.sources)
        name = _term_name(term)
        service = f"{name}-ports".upper()
        self.services[service] = [{"protocol": term.protocol, "port": str(ports)} for ports in term.ports]
        return {
            "name": name,
            "comment": f"{term.row} to {term.destination.name}",
            "source-address": " ".join(sources),
            "destination-address": self._token(term.destination),
            "protocol": term.protocol,
            "destination-port": service,
            "action": "accept",
        }

    def _token(self, party: Party) -> str:
        """aerleon's name of a party's addresses."""
        if party not in self._tokens:
            stem = re.sub(r"[^A-Z0-9]+", "_", party.name.upper()).strip("_")[:20]
            # two names may look alike now
            digest = hashlib.sha256(f"{party.name} {party.addresses}".encode()).hexdigest()[:6].upper()
            self._tokens[party] = token = f"{stem}_{digest}"
            blocks: list[Network] = collapse(party.addresses)
            self.networks[token] = {"values": [{"address": str(block)} for block in blocks]}
        return self._tokens[party]


def _term_name(term: _Term) -> str:
    """The name of a term: its row, and what else it is made of, so that it is the same in every run."""
    row = re.sub(r"[^a-z0-9]+", "-", term.row)[: _TERM - 7].strip("-")
    text = f"{term.row} {term.protocol} {term.destination.name} {term.ports}"
    return f"{row}-{hashlib.sha256(text.encode()).hexdigest()[:6]}"


def _generate(policy: dict[str, Any], definitions: dict[str, Any]) -> str:
    try:
        from aerleon import api
        from aerleon.lib import naming
    except ImportError:
        raise ToolError(
            "rules of real firewalls need the package aerleon; pip install 'jtel-constructs[firewall]', or use "
            "--format csv"
        ) from None
    # it tells its progress as warnings
    level = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        names = naming.Naming()
        names.ParseDefinitionsObject(definitions, "")
        # its type for a policy lists the options of every target, as a TypedDict that plain dicts do not match
        rendered: Any = api.Generate([policy], names)  # type: ignore[list-item]
        (text,) = rendered.values()
    finally:
        logging.disable(level)
    return str(text)


def _finished(form: str, environment: str, text: str) -> str:
    """aerleon's text with what a whole file of this firewall has around it, and without its empty marks."""
    text = re.sub(r"^.*\$(?:Id|Date|Revision):\$.*\n", "", text, flags=re.MULTILINE)
    if form == "nftables":
        # a table of our own, which the file replaces whole when it is loaded again
        table = "jtel_" + re.sub(r"[^a-z0-9]+", "_", environment.lower())
        text = re.sub(
            r"^table (ip6?) filtering_policies \{",
            rf"table \1 {table}\ndelete table \1 {table}\ntable \1 {table} {{",
            text,
            flags=re.MULTILINE,
        )
    return text.strip() + "\n"
