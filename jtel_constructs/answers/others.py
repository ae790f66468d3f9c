"""What a change asks of others: of whoever guards servers that no group of the environment guards."""

from __future__ import annotations

from collections.abc import Iterator

from jtel_constructs.policy import RuleSet, Server

_SHOWN = 8

# destination, and the row with its protocol and ports
_What = tuple[str, str]


def for_others(a: RuleSet, b: RuleSet) -> tuple[str, ...]:
    """What others have to open and may close from `a` to `b`, in sentences; `jtel firewall` has the whole list."""
    return tuple(_sentences(a, b))


def _sentences(a: RuleSet, b: RuleSet) -> Iterator[str]:
    before, after = _work(a), _work(b)
    for name in sorted({what[0] for what in (*before, *after)}):
        for words, new, old in (("must open", after, before), ("may close", before, after)):
            changed = [
                f"{text} from {', '.join(sources)}"
                for (at, text), all_sources in new.items()
                if at == name and (sources := [one for one in all_sources if one not in old.get((at, text), {})])
            ]
            if changed:
                more = f", and {len(changed) - _SHOWN} more" if len(changed) > _SHOWN else ""
                yield f"whoever guards {name} {words} {'; '.join(changed[:_SHOWN])}{more}"
    were, now = _servers(a), _servers(b)
    for name in sorted(were.keys() & now.keys()):
        old_blocks, new_blocks = (", ".join(map(str, one[name].addresses)) for one in (were, now))
        if old_blocks != new_blocks and (before or after):
            yield f"the addresses of {name} are {new_blocks or 'not given'} in place of {old_blocks or 'none given'}"


def _work(rules: RuleSet) -> dict[_What, dict[str, None]]:
    """The sources of what must be opened at servers that are guarded by others."""
    found: dict[_What, dict[str, None]] = {}
    for flow in rules.others_work:
        what = (flow.destination, f"{flow.row} ({flow.protocol} {flow.ports})")
        found.setdefault(what, {})[str(flow.source)] = None
    return found


def _servers(rules: RuleSet) -> dict[str, Server]:
    return {server.name: server for server in (*rules.servers, *rules.elsewhere)}
