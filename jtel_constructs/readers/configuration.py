"""The configuration in a plan: for each resource its expressions, and what their references come down to."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from jtel_constructs.readers.documents import Provider, need_list, need_mapping, without_indexes
from jtel_constructs.readers.references import NotFollowed, Scope, Step, index_text, walk
from jtel_constructs.readers.values import Origins, Ref, Sources, Unknown, Vague, join, origins_of

_KEY = r'\[(?:[0-9]+|"(?:[^"\\]|\\.)*")\]'
_OWN_INDEX = re.compile(rf"{_KEY}$")
_MODULE = re.compile(rf"(?:module\.[\w-]+(?:{_KEY})?\.)*")
_LAST = re.compile(rf"module\.([\w-]+)(?:{_KEY})?\.$")


def module_of(address: str) -> str:
    """The address of the module that a resource is in, with a dot after it; empty for the root."""
    match = _MODULE.match(address)
    return match[0] if match else ""


def _is_expression(text: Any) -> bool:
    """Whether this stands for an attribute, and not for nested blocks."""
    return isinstance(text, dict) and (not text or bool(text.keys() & {"references", "constant_value"}))


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


class Configuration:
    """The configuration of a plan.

    Args:
        configuration: as it stands in the plan; None where there is none.
        variables: the plan's values of the root's variables.
        addresses: of all resources that the plan keeps or makes.

    Raises:
        ProofError: it is not shaped like one.
    """

    def __init__(self, path: Path, configuration: Any, variables: Any, addresses: Iterable[str]) -> None:
        self._path = path
        self._modules: dict[str, Mapping[str, Any]] = {}
        self._resources: dict[str, Mapping[str, Any]] = {}
        self._variables = variables if isinstance(variables, dict) else {}
        self._addresses = frozenset(addresses)
        instances: dict[str, list[str]] = {}
        for address in sorted(self._addresses):
            instances.setdefault(_OWN_INDEX.sub("", address), []).append(address)
        self._instances = {base: tuple(some) for base, some in instances.items()}
        self._scopes: dict[str, Scope] = {}
        self._insides: dict[str, Origins] = {}
        self._iterated: dict[tuple[str, str], Scope] = {}
        self.providers: dict[str, Provider] = {}
        if configuration is None:
            return
        self._read(configuration.get("root_module", {}), "")
        root = self._scope("")
        configs = need_mapping(path, configuration.get("provider_config") or {}, "configuration.provider_config")
        for key, body in configs.items():
            body = need_mapping(path, body, "configuration.provider_config")
            module = body.get("module_address")
            scope = self._scope(f"{module}.") if isinstance(module, str) and module else root
            expressions = need_mapping(path, body.get("expressions", {}), "configuration.provider_config")
            values = {name: self._known(scope, expression) for name, expression in expressions.items()}
            self.providers[key] = Provider(key, str(body.get("full_name") or ""), values, shown=True)

    def _read(self, module: Any, prefix: str) -> None:
        module = need_mapping(self._path, module, "configuration")
        self._modules[prefix] = module
        for entry in need_list(self._path, module.get("resources", []), "configuration.resources"):
            entry = need_mapping(self._path, entry, "configuration.resources")
            expressions = need_mapping(self._path, entry.get("expressions", {}), "configuration.expressions")
            # null is as if the argument were left out (Terraform's documentation, "Types and Values")
            found = {key: one for key, one in expressions.items() if one != {"constant_value": None}}
            self._resources[prefix + str(entry.get("address"))] = {**entry, "expressions": found}
        calls = need_mapping(self._path, module.get("module_calls", {}), "configuration.module_calls")
        for name, call in calls.items():
            call = need_mapping(self._path, call, "configuration.module_calls")
            need_mapping(self._path, call.get("expressions", {}), "configuration.expressions")
            self._read(call.get("module", {}), f"{prefix}module.{name}.")

    def _known(self, scope: Scope, expression: Any) -> Any:
        """A value that Terraform knew when it planned, as far as the file shows it."""
        if not isinstance(expression, dict):
            return Unknown(None)
        if "constant_value" in expression:
            return scope.value(expression["constant_value"])
        references = expression.get("references") or []
        try:
            return scope.follow(references[0]) if len(references) == 1 else Unknown(None)
        except NotFollowed:
            return Unknown(None)

    # -- resources ---------------------------------------------------------------------------------------------------

    def expressions(self, address: str) -> Mapping[str, Any] | None:
        """The attributes that the configuration sets of a resource; None where the file does not show it."""
        entry = self._resources.get(without_indexes(address))
        return None if entry is None else entry.get("expressions", {})

    def provider(self, address: str) -> Provider | None:
        """The provider's configuration that a resource is made with."""
        entry = self._resources.get(without_indexes(address))
        key = entry.get("provider_config_key") if entry else None
        if not isinstance(key, str):
            return None
        # without a block of its own the default configuration is an empty one, and no part of the plan
        return self.providers.get(key) or Provider(key, shown=":" not in key and "." not in key)

    def provisioners(self, address: str) -> list[Any]:
        """What a resource's provisioners are given, as far as the file shows it."""
        entry = self._resources.get(without_indexes(address)) or {}
        found = entry.get("provisioners")
        if not isinstance(found, list) or not found:
            return []
        scope = self._scope_of(address)
        return [self._given(scope, one.get("expressions")) for one in found if isinstance(one, dict)]

    def _given(self, scope: Scope, expression: Any) -> Any:
        """All that these expressions name, and the texts among them; what they make of it is not in the file."""
        if isinstance(expression, list):
            return [self._given(scope, item) for item in expression]
        if isinstance(expression, dict) and "references" in expression:
            names = expression["references"]
            return [scope.named(names), *(scope.plain(name) for name in names if isinstance(name, str))]
        if isinstance(expression, dict) and "constant_value" not in expression:
            return {key: self._given(scope, item) for key, item in expression.items()}
        return self._expression(scope, expression)[0]

    def resolve(self, address: str, expression: Any) -> tuple[Any, Origins]:
        """What an expression of a resource comes down to, and the resources that its unknown parts may come from."""
        if expression == {}:
            # a function's result that is not known yet though it refers to nothing: nothing explains it
            return Unknown(None), None
        return self._expression(self._scope_of(address), expression)

    def origins_by(self, address: str, values: Any, texts: Any) -> Sources:
        """The resources that the unknown parts of nested blocks may come from, for each attribute of the blocks.

        Args:
            values: the blocks as they are planned.
            texts: their expressions; dynamic blocks are not among them (Terraform: internal/command/jsonconfig,
                marshalExpressions), so that of more blocks than these nothing is known.
        """
        if _is_expression(texts):
            return self._origins(self._scope_of(address), texts)
        return self._origins_by(self._scope_of(address), _as_list(values), _as_list(texts))

    def _origins_by(self, scope: Scope, values: list[Any], texts: list[Any]) -> Sources:
        if len(values) > len(texts) or not all(isinstance(text, Mapping) for text in texts):
            return None
        found: dict[str, Sources] = {}
        for name in dict.fromkeys(name for text in texts for name in text):
            parts = [text[name] for text in texts if name in text]
            if any(_is_expression(part) for part in parts):
                found[name] = self._origins(scope, parts)
            else:
                inner = [one for value in values if isinstance(value, Mapping) for one in _as_list(value.get(name))]
                found[name] = self._origins_by(scope, inner, [one for part in parts for one in _as_list(part)])
        return found

    def _scope_of(self, address: str) -> Scope:
        """The scope of a resource's expressions: its module's, and what `each` and `self` are made from."""
        base = without_indexes(address)
        entry = self._resources.get(base, {})
        inner = self._iterating(self._scope(module_of(address)), base, entry)
        if not entry.get("provisioners"):
            return inner
        expressions = entry["expressions"]
        own = frozenset(self._instances.get(_OWN_INDEX.sub("", address), (address,)))

        def self_of(step: Step) -> Origins:
            return self._origins(inner, expressions[step]) if step in expressions else own

        return replace(inner, self_of=self_of)

    def _iterating(self, scope: Scope, what: str, body: Mapping[str, Any]) -> Scope:
        """The scope of the expressions of a resource or of a module's call."""
        # an expression that refers to nothing, such as toset(["a"]), is left out of the plan
        iterated = body.get("for_each_expression", {})
        if (found := self._iterated.get((scope.prefix, what))) is None:
            found = self._iterated[scope.prefix, what] = replace(scope, each_from=self._origins(scope, iterated))
        return found

    def output(self, name: str) -> tuple[Any, Origins]:
        """The same for an output of the root."""
        outputs = self._modules.get("", {}).get("outputs")
        output = outputs.get(name) if isinstance(outputs, dict) else None
        return self._expression(self._scope(""), output.get("expression") if isinstance(output, dict) else None)

    def _expression(self, scope: Scope, expression: Any) -> tuple[Any, Origins]:
        if isinstance(expression, dict):
            if "constant_value" in expression:
                value = scope.value(expression["constant_value"])
                return value, origins_of(value)
            if "references" in expression:
                found = scope.named(expression["references"])
                return found, origins_of(found)
            if not expression:
                # it refers to nothing, and a function's result is no constant (Terraform: internal/command/jsonconfig,
                # marshalExpression): toset(["a"])
                return Unknown(frozenset()), frozenset()
        # nested blocks, whose order is the plan's own: what is known in them stands in the value
        return None, self._origins(scope, expression)

    def _origins(self, scope: Scope, expression: Any) -> Origins:
        """The resources that anything in these expressions may come from."""
        if isinstance(expression, list):
            parts = [self._origins(scope, item) for item in expression]
        elif isinstance(expression, dict) and not expression.keys() & {"references", "constant_value"}:
            parts = [self._origins(scope, item) for item in expression.values()]
        elif isinstance(expression, dict):
            return origins_of(self._expression(scope, expression)[0])
        else:
            return None
        found: Origins = frozenset()
        for part in parts:
            found = join(found, part)
        return found

    # -- modules -----------------------------------------------------------------------------------------------------

    def _scope(self, prefix: str) -> Scope:
        found = self._scopes.get(prefix)
        if found is None:
            found = self._scopes[prefix] = Scope(
                prefix,
                self._addresses,
                self._instances,
                inputs=lambda name, steps: self._input(prefix, name, steps),
                outputs=lambda name, steps: self._output(prefix, name, steps),
                inside=lambda: self._inside(prefix),
            )
        return found

    def _input(self, prefix: str, name: str, steps: tuple[Step, ...]) -> Any:
        if not prefix:
            variable = self._variables.get(name)
            if not isinstance(variable, dict) or "value" not in variable:
                raise NotFollowed
            return walk(variable["value"], steps)
        last = _LAST.search(prefix)
        if last is None:
            raise NotFollowed
        outer = prefix[: last.start()]
        call = self._call(outer, last[1])
        expressions = call.get("expressions", {})
        if name not in expressions:
            default = call.get("module", {}).get("variables", {}).get(name, {})
            if "default" not in default:
                raise NotFollowed
            return walk(default["default"], steps)
        found, _ = self._expression(self._iterating(self._scope(outer), last[1], call), expressions[name])
        return self._stepped(found, steps)

    def _output(self, prefix: str, name: str, steps: tuple[Step, ...]) -> Any:
        index = ""
        if steps and f"{prefix}module.{name}{index_text(steps[0])}." in self._prefixes():
            index, steps = index_text(steps[0]), steps[1:]
        inner = f"{prefix}module.{name}{index}."
        outputs = self._call(prefix, name).get("module", {}).get("outputs")
        if not steps or not isinstance(outputs, dict) or not isinstance(output := outputs.get(str(steps[0])), dict):
            raise NotFollowed
        found, _ = self._expression(self._scope(inner), output.get("expression"))
        return self._stepped(found, steps[1:])

    def _stepped(self, found: Any, steps: tuple[Step, ...]) -> Any:
        if isinstance(found, Ref) and steps:
            raise NotFollowed
        return found if isinstance(found, Unknown) and not steps else walk(found, steps)

    def _call(self, prefix: str, name: str) -> Mapping[str, Any]:
        calls = self._modules.get(without_indexes(prefix), {}).get("module_calls", {})
        call = calls.get(name)
        if not isinstance(call, dict):
            raise NotFollowed
        return call

    def _prefixes(self) -> frozenset[str]:
        if not hasattr(self, "_known_prefixes"):
            self._known_prefixes = frozenset(module_of(address) for address in self._addresses)
        return self._known_prefixes

    def _inside(self, prefix: str) -> Origins:
        """What a value may come from that a module works out by itself: all in it, and all that it is given."""
        if prefix in self._insides:
            return self._insides[prefix]
        # a value of a module that refers to itself adds nothing
        self._insides[prefix] = frozenset()
        found: Origins = Vague(address for address in self._addresses if address.startswith(prefix))
        module = self._modules.get(without_indexes(prefix), {})
        for entry in module.get("resources", []):
            if entry.get("mode") == "data":
                found = join(found, self._scope(prefix).origins([f"data.{entry.get('type')}.x.id"]))
        for name in module.get("module_calls", {}):
            for inner in self._prefixes():
                if inner.startswith((f"{prefix}module.{name}.", f"{prefix}module.{name}[")):
                    found = join(found, self._inside(inner))
        last = _LAST.search(prefix)
        if last is not None:
            outer = prefix[: last.start()]
            call = self._modules.get(without_indexes(outer), {}).get("module_calls", {}).get(last[1], {})
            scope = self._iterating(self._scope(outer), last[1], call)
            found = join(found, self._origins(scope, list(call.get("expressions", {}).values())))
        self._insides[prefix] = found
        return found
