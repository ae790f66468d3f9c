"""An environment as a Terraform stack of its own: provider, state backend, and the environment."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from types import ModuleType
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import jsii
from constructs import Construct

from jtel_constructs.clouds import cloud_of
from jtel_constructs.constructs.engine import check_id, engine_of, inherit_engine
from jtel_constructs.constructs.environment import JtelEnvironment
from jtel_constructs.constructs.providers import settings_of
from jtel_constructs.constructs.resources import terraform_value
from jtel_constructs.errors import InputError, Problem
from jtel_constructs.policy import Environment
from jtel_constructs.policy.platforms import (
    AzurermBackend,
    Backend,
    CloudBackend,
    HttpBackend,
    LocalBackend,
    S3Backend,
)


class _OfTheScopesEngine(type(Construct)):  # type: ignore[misc]
    """Makes an instance a Terraform stack of the engine that its scope is of."""

    def __call__(cls, scope: Construct, id: str, *args: Any, **kwargs: Any) -> Any:
        engine = engine_of(scope, f"stack {id!r}")
        check_id(scope, id, f"stack {id!r}")
        return super(_OfTheScopesEngine, _bound(cls, engine)).__call__(scope, id, *args, **kwargs)


@cache
def _bound(stack: Any, engine: ModuleType) -> Any:
    """A stack class as one of an engine; the engine's own class comes after all of ours."""
    if issubclass(stack, engine.TerraformStack):
        return stack
    return type(stack)(stack.__name__, (stack, engine.TerraformStack), {"__module__": stack.__module__})


if TYPE_CHECKING:
    # type checkers take it for a stack of either engine
    _either: Any = None

    class _TerraformStack(Construct, _either):  # type: ignore[misc]
        """A Terraform stack."""
else:
    _TerraformStack = Construct


class JtelStack(_TerraformStack, metaclass=_OfTheScopesEngine):
    """The Terraform stack of one environment, for an app of cdktf or of cdktn.

    Args:
        scope: the app.
        id: the stack's name.
        environment: the environment, from `load_environment`.

    Raises:
        InputError: the environment is wrong, its cloud cannot take it, or the scope is no app.
    """

    def __init__(self, scope: Construct, id: str, environment: Environment) -> None:
        given: object = environment
        if not isinstance(given, Environment):
            message = f"an Environment is needed, such as load_environment(path) gives, not {environment!r}"
            raise InputError([Problem(f"stack {id!r}", message)])
        super().__init__(scope, id)
        inherit_engine(self, scope)
        require_provider(self, environment)
        if environment.backend:
            _set_backend(self, environment.backend)
        self.environment = JtelEnvironment.of_model(self, "environment", environment)


class FileStack(JtelStack):
    """A `JtelStack` that nothing is added to. Files hold no references between stacks, so there are none to prepare."""

    def __init__(self, scope: Construct, id: str, environment: Environment) -> None:
        super().__init__(scope, id, environment)
        # what preparing would do beside looking for references
        self.ensure_backend_exists()

    @jsii.member(jsii_name="prepareStack")
    def prepare_stack(self) -> None:
        """Nothing: saves turning every rule into Terraform JSON twice."""


# the providers that were asked for, by stack and id
_providers: WeakKeyDictionary[Any, dict[str, Any]] = WeakKeyDictionary()


def require_provider(stack: Construct, environment: Environment | JtelEnvironment) -> None:
    """Name the provider that an environment needs, its versions and its configuration, in a stack.

    Leave it out where the stack has a provider of its own for this cloud. Several environments of a stack may each ask
    for the same one.

    Args:
        stack: a stack of cdktf or of cdktn.
        environment: the environment, as a model or as a construct.

    Raises:
        InputError: it is no stack, or another environment asked for a provider that works elsewhere.
    """
    engine = engine_of(stack, "require_provider")
    if not isinstance(stack, engine.TerraformStack):
        raise InputError([Problem("require_provider", f"a stack is needed, not a {type(stack).__name__}")])
    if not isinstance(environment, Environment | JtelEnvironment):
        raise InputError([Problem("require_provider", f"an environment is needed, not {environment!r}")])
    model = environment._model if isinstance(environment, JtelEnvironment) else environment
    provider = cloud_of(model).provider(model)
    config = {key: terraform_value(value) for key, value in provider.config.items()}
    id = f"provider-{provider.local_name}"
    made = _providers.setdefault(stack, {})
    if (known := made.get(id)) is not None:
        if dict(settings_of(known)) != config:
            message = (
                f"the stack has {id} already, with {dict(settings_of(known))}, and {model.name} needs {config}; make "
                "an aliased provider of your own, and give it to the environment (provider=...)"
            )
            raise InputError([Problem("require_provider", message)])
        return
    block = made[id] = engine.TerraformProvider(
        stack,
        id,
        terraform_resource_type=provider.local_name,
        terraform_provider_source=provider.source,
        terraform_generator_metadata=engine.TerraformProviderGeneratorMetadata(
            provider_name=provider.local_name, provider_version_constraint=provider.versions
        ),
    )
    for key, value in config.items():
        block.add_override(key, value)


def _set_backend(stack: Construct, backend: Backend) -> None:
    engine = engine_of(stack, "backend")
    values: dict[str, Any] = {
        key: terraform_value(value) for key, value in backend if value is not None and key not in ("type", "workspace")
    }
    if isinstance(backend, CloudBackend):
        workspaces = engine.NamedCloudWorkspace(name=backend.workspace)
        engine.CloudBackend(stack, workspaces=workspaces, **values)
        return
    classes: Mapping[type[Any], Callable[..., Any]] = {
        LocalBackend: engine.LocalBackend,
        S3Backend: engine.S3Backend,
        AzurermBackend: engine.AzurermBackend,
        HttpBackend: engine.HttpBackend,
    }
    classes[type(backend)](stack, **values)
