"""`terraform show -json` of a plan: what is in force once it has been applied.

That is more than `planned_values`: what the plan leaves out (`-target`, deferred changes) stays as `prior_state` has
it, and what Terraform forgets stays as it was. For values that are not known yet the configuration's own text is read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from jtel_constructs.errors import ProofError
from jtel_constructs.readers.configuration import Configuration
from jtel_constructs.readers.consistency import contradictions
from jtel_constructs.readers.differences import Difference, untold
from jtel_constructs.readers.documents import (
    Document,
    Presence,
    Resource,
    Shape,
    module_resources,
    need_list,
    need_mapping,
    output_value,
)
from jtel_constructs.readers.filling import fill, has_unknown
from jtel_constructs.readers.values import Ref, Unknown

AGAIN = "plan again, whole: `terraform plan -out=PLAN` without -target, then `terraform show -json PLAN > plan.json`"
_DEFERRED = "apply what can be planned now, then plan again, and prove that plan too"
# Blocks, not attributes, of the resources that the readers know. A dynamic block is no part of a plan's configuration
# (Terraform: internal/command/jsonconfig, marshalExpressions), and one whose for_each is not known yet is unknown as a
# whole, just as what a provider fills in by itself. `ingress`, `egress` and `security_rule` are not among them: those
# are attributes written as blocks, and Terraform plans such a dynamic block as one block with unknown attributes.
_BLOCKS = frozenset({"allowed_address_pairs", "entry", "ip_configuration", "network", "network_interface", "rule"})
# Blocks that the provider refuses beside one of these arguments (5.100: "network_interface": conflicts with subnet_id),
# at the apply if they were not known before: a dynamic block, of which a plan shows nothing, makes none beside them
_EITHER = {
    (kind, "network_interface"): ("subnet_id", "vpc_security_group_ids", "security_groups")
    for kind in ("aws_instance", "aws_spot_instance_request")
}
# Blocks that are lists and no sets (the providers' schemas: nesting_mode), which Terraform keeps in order
_IN_ORDER = frozenset(
    {
        ("openstack_compute_instance_v2", "network"),
        ("azurerm_network_interface", "ip_configuration"),
        *(
            (f"azurerm_{kind}_virtual_machine_scale_set", path)
            for kind in ("linux", "windows", "orchestrated")
            for path in ("network_interface", "network_interface.ip_configuration")
        ),
    }
)

Changes = dict[str, Mapping[str, Any]]
_Entry = tuple[str, Mapping[str, Any], Mapping[str, Any], list[Any]]


def load_plan(path: Path, content: Mapping[str, Any], output: str) -> Document:
    """Read a plan.

    Raises:
        ProofError: it is not shaped like one, planning failed, or it leaves nothing to prove.
    """
    if content.get("errored") is True:
        raise ProofError(f"{path}: terraform could not finish this plan; mend its errors and plan again")
    planned = need_mapping(path, content["planned_values"], "planned_values")
    found = list(module_resources(path, planned.get("root_module", {}), "planned_values.root_module"))
    changes = _changes(path, content.get("resource_changes", []), "resource_changes")
    _refuse_destroy(path, found, changes)
    configuration = content.get("configuration")
    if configuration is not None:
        configuration = need_mapping(path, configuration, "configuration")
    prior = _prior(path, content)
    if not found and not changes and prior and content.get("complete") is not False:
        return _refreshed(path, content, prior, output)
    config = Configuration(path, configuration, content.get("variables"), [address for address, _, _, _ in found])
    drifted = _changes(path, content.get("resource_drift", []), "resource_drift")
    resources = [
        _planned(config, address, kind, values, change, address in drifted)
        for address, kind, values, provider in found
        if not _is_forgotten(change := changes.get(address, {}))
    ]
    forgotten = list(_forgotten(path, content.get("resource_changes", [])))
    resources += forgotten
    there = {resource.address for resource in resources}
    beside = list(_beside(path, content, changes, there))
    put_off = {*_put_off(path, content), *(resource.address for resource in beside)}
    return Document(
        path,
        Shape.PLAN,
        (*resources, *beside),
        tuple(_departing(path, content.get("resource_changes", []))),
        dict(_replaced(changes, ["create", "delete"])),
        dict(_replaced(changes, ["delete", "create"])),
        frozenset(address for address, change in changes.items() if "create" in (change.get("actions") or [])),
        output=_output(path, content, config, output),
        providers=config.providers,
        drift=tuple(_as_found(drifted)),
        troubles=tuple(_incomplete(path, content, beside)),
        doubts=tuple(contradictions(((one[0], one[2]) for one in found), changes, put_off, config.expressions)),
    )


def _prior(path: Path, content: Mapping[str, Any]) -> Mapping[str, Any]:
    """The values of the state that the plan starts from, as Terraform has just refreshed it; empty if there is none."""
    prior = content.get("prior_state")
    values = None if prior is None else need_mapping(path, prior, "prior_state").get("values")
    return {} if values is None else need_mapping(path, values, "prior_state.values")


def _refreshed(path: Path, content: Mapping[str, Any], prior: Mapping[str, Any], output: str) -> Document:
    """A plan that only refreshes: what there is now, as Terraform has just seen it, whatever the configuration says.

    It plans no resource, not even with the action no-op (a file that Terraform 1.11 wrote is among the tests).
    """
    found = module_resources(path, prior.get("root_module", {}), "prior_state.values.root_module")
    resources = tuple(
        Resource(address, kind, values, provider=provider, refreshed=True) for address, kind, values, provider in found
    )
    drifted = _changes(path, content.get("resource_drift", []), "resource_drift")
    return Document(
        path,
        Shape.STATE,
        resources,
        output=output_value(prior.get("outputs"), output),
        drift=tuple(_as_found(drifted)),
        troubles=tuple(_incomplete(path, content, [])),
    )


# -- what the plan does ----------------------------------------------------------------------------------------------


def _entries(path: Path, value: Any, what: str) -> Iterator[_Entry]:
    """Address (of a deposed object with its key), entry, change and actions of managed resources."""
    for entry in need_list(path, value, what):
        entry = need_mapping(path, entry, what)
        change = need_mapping(path, entry.get("change"), f"{what}.change")
        if entry.get("mode") != "managed":
            continue
        address = str(entry.get("address"))
        if entry.get("deposed") is not None:
            address += f" (deposed {entry['deposed']})"
        yield address, entry, change, need_list(path, change.get("actions", []), f"{address}.actions")


def _changes(path: Path, value: Any, what: str) -> Changes:
    return {
        address: {**change, "type": entry.get("type"), "previous": entry.get("previous_address")}
        for address, entry, change, _ in _entries(path, value, what)
    }


def _refuse_destroy(path: Path, found: list[Any], changes: Changes) -> None:
    if not found and changes and all(change.get("actions") == ["delete"] for change in changes.values()):
        raise ProofError(
            f"{path}: this plan destroys all that there is and leaves nothing to prove; an ordinary plan is made by "
            "`terraform plan -out=PLAN`, then `terraform show -json PLAN > plan.json`"
        )


def _is_forgotten(change: Mapping[str, Any]) -> bool:
    """Whether Terraform lets a resource go and makes no new one.

    Versions 1.7 to 1.15 leave an object without values in the planned values (hashicorp/terraform issue 38641).
    """
    actions = change.get("actions") or []
    return "forget" in actions and "create" not in actions


def _forgotten(path: Path, value: Any) -> Iterator[Resource]:
    """What Terraform lets go without removing it (removed blocks): it stays as it was."""
    for address, entry, change, actions in _entries(path, value, "resource_changes"):
        before = change.get("before")
        if "forget" in actions and isinstance(before, dict):
            suffix = " (forgotten)" if "create" in actions else ""
            yield Resource(f"{address}{suffix}", str(entry.get("type")), before, presence=Presence.FORGOTTEN)


def _departing(path: Path, value: Any) -> Iterator[Resource]:
    """What is deleted or changed, as it was."""
    for address, entry, change, actions in _entries(path, value, "resource_changes"):
        if ("delete" in actions or "update" in actions) and isinstance(change.get("before"), dict):
            yield Resource(address, str(entry.get("type")), change["before"])


def _replaced(changes: Changes, order: list[str]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """What is replaced in this order: the old one's values."""
    for address, change in changes.items():
        if change.get("actions") == order and isinstance(before := change.get("before"), dict):
            yield address, before


def _beside(path: Path, content: Mapping[str, Any], changes: Changes, there: set[str]) -> Iterator[Resource]:
    """What the plan neither keeps nor removes: it stays as it is.

    `prior_state` is the whole state; `planned_values` leaves out what is not targeted (hashicorp/terraform issue 5183,
    and files that 1.11 wrote among the tests).
    """
    root = _prior(path, content).get("root_module", {})
    moved = {str(change["previous"]) for change in changes.values() if change.get("previous")}
    for address, kind, body, provider in module_resources(path, root, "prior_state.values.root_module"):
        actions = changes.get(address, {}).get("actions") or []
        if address in there or address in moved or "delete" in actions or "forget" in actions:
            continue
        yield Resource(address, kind, body, provider=provider, presence=Presence.BESIDE)


def _as_found(drifted: Changes) -> Iterator[Resource]:
    for address, change in drifted.items():
        after = change.get("after")
        yield Resource(address, str(change.get("type")), after if isinstance(after, dict) else {}, refreshed=True)


def _put_off(path: Path, content: Mapping[str, Any]) -> Iterator[str]:
    for entry in need_list(path, content.get("deferred_changes") or [], "deferred_changes"):
        inner = need_mapping(path, entry, "deferred_changes").get("resource_change")
        yield str(inner.get("address") if isinstance(inner, dict) else "a resource")


def _incomplete(path: Path, content: Mapping[str, Any], beside: list[Resource]) -> Iterator[Difference]:
    """What the plan does not cover."""
    deferred = content.get("deferred_changes") or []
    for entry in need_list(path, deferred, "deferred_changes"):
        entry = need_mapping(path, entry, "deferred_changes")
        inner = entry.get("resource_change")
        where = str(inner.get("address") if isinstance(inner, dict) else "a resource")
        reason = f" ({entry['reason']})" if isinstance(entry.get("reason"), str) else ""
        yield untold(where, f"this plan puts off what becomes of it{reason}", settle=_DEFERRED)
    # OpenTofu 1.12 does not say that a plan is not complete; what is left out shows it
    if (content.get("complete") is False or beside) and not deferred:
        left = ", ".join(resource.address for resource in beside[:3])
        more = f" and {len(beside) - 3} more" if len(beside) > 3 else ""
        what = f", such as {left}{more}" if left else ""
        yield untold("", f"this plan is not complete: it leaves resources out (-target){what}", settle=AGAIN)


# -- values ----------------------------------------------------------------------------------------------------------


def _planned(
    config: Configuration, address: str, kind: str, values: Mapping[str, Any], change: Mapping[str, Any], drifted: bool
) -> Resource:
    mine = config.expressions(address)
    unknown = change.get("after_unknown")
    unknown = unknown if isinstance(unknown, dict) else {}
    full = dict(values)
    for key in mine or ():
        full.setdefault(key, None)
    for key, part in unknown.items():
        if has_unknown(part):
            full[key] = _value(config, address, values.get(key), part, mine, key, (kind, key))
    for (of, key), others in _EITHER.items():
        if of == kind and mine and key not in mine and isinstance(full.get(key), Unknown):
            # what is not known may still be null
            given = [full.get(one) for one in others if one in mine]
            full[key] = None if any(isinstance(one, str | list | Ref) and one for one in given) else full[key]
    for key in mine or ():
        if key.endswith("_wo") and full.get(key) is None:
            # an argument that is only written is never in a plan (Terraform: "Use write-only arguments")
            text, origins = config.resolve(address, (mine or {})[key])
            full[key] = Unknown(origins) if text is None else text
    if provisioners := config.provisioners(address):
        full["provisioner"] = provisioners
    configured = None if mine is None else frozenset(mine)
    provider = config.provider(address)
    return Resource(address, kind, full, configured=configured, provider=provider, refreshed=drifted)


def _value(
    config: Configuration,
    address: str,
    value: Any,
    unknown: Any,
    mine: Mapping[str, Any] | None,
    key: str,
    place: tuple[str, str],
) -> Any:
    """One attribute, or all nested blocks of one name; `place` is the type of the resource and the path in it."""
    if mine is None:
        # without a configuration nothing tells what is unset from what is not known
        return fill(value, unknown, None)
    if key not in mine:
        # what is known in part was set by a dynamic block; what is not known at all nobody set, and the provider fills
        # it in by itself, but for blocks
        return None if unknown is True and key not in _BLOCKS else fill(value, unknown, None)
    parts = (value, unknown, mine[key])
    if place in _IN_ORDER and all(_blocks(one) and len(one) == len(mine[key]) for one in parts):
        # as many blocks as the configuration has: none of them is dynamic, and each stands where its text does
        return [
            {
                name: _value(config, address, known.get(name), part, text, name, (place[0], f"{place[1]}.{name}"))
                for name, part in blank.items()
            }
            | {name: one for name, one in known.items() if name not in blank}
            for known, blank, text in zip(*parts, strict=True)
        ]
    text, origins = config.resolve(address, mine[key])
    if text is None:
        return fill(value, unknown, None, config.origins_by(address, value, mine[key]))
    if unknown is True and isinstance(text, Ref) and key.endswith("s") and "constant_value" not in mine[key]:
        # a list that is not known as a whole: [x.id] and concat(["sg-1"], [x.id]) have the same references
        return Unknown(origins, frozenset({f"{text.address}.{text.attribute}"}))
    if unknown is True and isinstance(text, Unknown):
        return text
    return fill(value, unknown, text, origins)


def _blocks(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(one, Mapping) for one in value)


def _output(path: Path, content: Mapping[str, Any], config: Configuration, name: str) -> Any:
    changes = content.get("output_changes")
    change = changes.get(name) if isinstance(changes, dict) else None
    if not isinstance(change, dict):
        planned = content["planned_values"].get("outputs")
        if planned is None:
            # a plan of some resources alone leaves the outputs as they are; one that goes stands in `output_changes`
            planned = _prior(path, content).get("outputs")
        return output_value(planned, name)
    unknown = change.get("after_unknown")
    if not has_unknown(unknown):
        return change.get("after")
    # in a configuration in Terraform's own language an output's structure is not in the plan
    text, origins = config.output(name)
    return fill(change.get("after"), unknown, text, origins)
