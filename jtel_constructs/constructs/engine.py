"""The two CDK engines, cdktf and its successor cdktn: same API, no common class, and constructs of the two do not mix.

Nothing here is bound to one of them at import. The scope that a construct is put into says which one its app uses;
where there is no scope yet (`jtel synth`, an app of files), the variable JTEL_ENGINE does.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType
from typing import Any
from weakref import WeakKeyDictionary

from jtel_constructs.errors import InputError, Problem, ToolError, one_of

ENGINES = ("cdktf", "cdktn")
VARIABLE = "JTEL_ENGINE"

# of scopes that were asked about: a construct stays where it is, and asking costs calls into node
_known: WeakKeyDictionary[Any, ModuleType] = WeakKeyDictionary()


def installed() -> list[str]:
    """The engines that are installed.

    Raises:
        ToolError: none is; the message says what to install.
    """
    found = [name for name in ENGINES if find_spec(name)]
    if not found:
        extras = " or ".join(f"pip install 'jtel-constructs[{name}]'" for name in ENGINES)
        raise ToolError(f"this needs a CDK engine, and neither {' nor '.join(ENGINES)} is installed: {extras}")
    return found


def chosen_engine() -> ModuleType:
    """The engine where no scope says it: the one that JTEL_ENGINE names, else the one that is installed.

    Where both are, it is cdktf.

    Raises:
        ToolError: none is installed, or not the one that JTEL_ENGINE names.
        InputError: JTEL_ENGINE names something else.
    """
    available = installed()
    name = os.environ.get(VARIABLE) or available[0]
    if name not in ENGINES:
        raise InputError([Problem(VARIABLE, one_of(name, ENGINES, "CDK engine"))])
    if name not in available:
        raise ToolError(f"{VARIABLE} is {name}, which is not installed: pip install 'jtel-constructs[{name}]'")
    return import_module(name)


def engine_of(scope: object, who: str) -> ModuleType:
    """The engine of the app that a scope is in.

    Args:
        scope: what a construct is put into.
        who: the construct, for the message of an error.

    Raises:
        InputError: the scope is no construct, is in no app of either engine, or in a mix of both.
    """
    from constructs import Construct

    if not isinstance(scope, Construct):
        message = f"its scope must be a stack, or a construct in one, not {scope!r}"
        raise InputError([Problem(who, message)])
    if scope in _known:
        return _known[scope]
    found: dict[str, object] = {}
    for construct in scope.node.scopes:
        for name in _engines_in(type(construct)):
            found.setdefault(name, construct)
    if not found:
        message = f"its scope {type(scope).__name__} is in no app of {' or '.join(ENGINES)}; put it into a stack of one"
        raise InputError([Problem(who, message)])
    if len(found) > 1:
        what = " and ".join(f"{type(construct).__name__} of {name}" for name, construct in found.items())
        outer = next(iter(found))
        message = f"{what} are mixed, and cannot work together; import App, stacks and providers from {outer} alone"
        raise InputError([Problem(who, message)])
    _known[scope] = engine = import_module(next(iter(found)))
    return engine


def inherit_engine(construct: Any, scope: object) -> None:
    """Note that a construct is of its scope's engine, so that nobody has to ask."""
    if scope in _known:
        _known[construct] = _known[scope]


def stack_of(scope: Any, id: object, who: str) -> tuple[ModuleType, Any]:
    """The engine and the stack of a scope that can take a construct of this id.

    Raises:
        InputError: it is in no stack, or the id is none, or taken.
    """
    engine = engine_of(scope, who)
    check_id(scope, id, who)
    if isinstance(scope, engine.App):
        raise InputError([Problem(who, "its scope must be a stack, or a construct in one, not the App itself")])
    return engine, engine.TerraformStack.of(scope)


def check_id(scope: Any, id: object, who: str) -> None:
    """Refuse an id that no construct can have in a scope.

    Raises:
        InputError: it is none, or taken.
    """
    if not isinstance(id, str) or not id:
        raise InputError([Problem(who, f"an id is a text, such as 'acd', not {id!r}")])
    if scope.node.try_find_child(id):
        raise InputError([Problem(who, "the scope has a construct of this id already; choose another id")])


def _engines_in(kind: type) -> Iterator[str]:
    """The engines that a class derives from."""
    modules = {base.__module__.partition(".")[0] for base in kind.__mro__}
    return (name for name in ENGINES if name in modules)
