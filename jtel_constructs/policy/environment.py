"""What an environment is: servers, peers, the redundancy switch, and what its owner adds or narrows."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, PrivateAttr, ValidationError

from jtel_constructs.errors import InputError, Problem
from jtel_constructs.matrix import INTERNAL, PEERS, ROLES, Matrix, PeerName, load_matrix
from jtel_constructs.matrix.files import (
    KeyPath,
    YamlFile,
    is_folder,
    looks_like_a_matrix,
    path_text,
    read_yaml,
    with_hint,
)
from jtel_constructs.matrix.model import Text
from jtel_constructs.matrix.records import Record, validation_problems
from jtel_constructs.policy.addresses import BlockField, Family
from jtel_constructs.policy.notice_kinds import KINDS as NOTICE_KINDS
from jtel_constructs.policy.parts import Limits, Server, SiteRule
from jtel_constructs.policy.platforms import Backend, Platform
from jtel_constructs.policy.topologies import TOPOLOGIES

Egress = Literal["all", "none"]
AdminPort = Literal[22, 3389, 7777]
Topology = Literal["small-v1", "small-v2", "small-v3", "large-v2", "large-v3", "one-role-per-server"]
ADMIN_PORTS = (22, 3389, 7777)
OUTPUT = "acd_servers"

_STACK_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
# https://developer.hashicorp.com/terraform/language/syntax/configuration#identifiers, of which we take ASCII alone
_OUTPUT_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
_ENVIRONMENT_NAME = re.compile(r"[A-Za-z]([A-Za-z0-9-]{0,38}[A-Za-z0-9])?")


def _environment_name(value: str) -> str:
    if not _ENVIRONMENT_NAME.fullmatch(value) or value.lower().startswith("sg-"):
        raise ValueError(
            f"{value!r} is no environment name; use letters, digits and hyphens, a letter first, a letter or digit "
            "last, 40 characters at the most, not starting with sg-"
        )
    return value


def _output_name(value: str) -> str:
    if not _OUTPUT_NAME.fullmatch(value):
        raise ValueError(f"{value!r} is no name of an output; use letters, digits, _ and -, a letter or _ first")
    return value


class Environment(Record):
    """One jtel installation: what runs where, who talks to it, and in which cloud.

    Attributes:
        name: of the installation, and prefix of every group's name.
        group_prefix: what the groups' names begin with instead, and Terraform's addresses: the name that an environment
            had when it was deployed, so that one with a new name keeps its groups. See `jtel rename`.
        redundant: the document's two columns; true for "Required for Redundant Systems".
        platform: the cloud.
        topology: one of the sizes that jtel installs; gives the servers.
        servers: the servers, or, beside a topology, more servers; one of the same name replaces the topology's.
        peers: CIDR blocks of each peer that a row needs. An empty list means nobody.
        narrow: for one row, by its key, the blocks that stand in for ``any``.
        ip_families: default ``[ipv4]``.
        supplements: named sets of rows that the document does not have.
        site_rules: rules of the user's own.
        egress: ``all`` (default) or ``none``.
        admin_ports_open_to_world: those of 22, 3389 and 7777 that are meant to be open to the whole internet.
        limits: what the account has raised.
        tags: on everything that takes tags.
        system: name of the system that this environment is one site of, by which `jtel check` tells sites of one system
            from others. Default: told by their servers.
        acknowledged: ids of notices that the owner has read; they are not said again.
        matrix: a matrix file of the user's own, relative to the environment's file.
        backend: where Terraform keeps its state.
        output: name of the stack's output that tells each server's groups. Default: acd_servers.
    """

    name: Annotated[str, AfterValidator(_environment_name)]
    group_prefix: Annotated[str, AfterValidator(_environment_name)] | None = None
    redundant: bool
    platform: Platform
    topology: Topology | None = None
    servers: tuple[Server, ...] = ()
    peers: dict[PeerName, tuple[BlockField, ...]] = Field(default_factory=dict)
    narrow: dict[str, tuple[BlockField, ...]] = Field(default_factory=dict)
    ip_families: Annotated[tuple[Family, ...], Field(min_length=1)] = ("ipv4",)
    supplements: tuple[str, ...] = ()
    site_rules: tuple[SiteRule, ...] = ()
    egress: Egress = "all"
    admin_ports_open_to_world: tuple[AdminPort, ...] = ()
    limits: Limits = Limits()
    tags: dict[Text, str] = Field(default_factory=dict)
    acknowledged: tuple[Text, ...] = ()
    system: Text | None = None
    matrix: Text | None = None
    backend: Backend | None = None
    output: Annotated[str, AfterValidator(_output_name)] = OUTPUT

    _document: YamlFile | None = PrivateAttr(default=None)
    # what `compute` made of this frozen value
    _rules: Any = PrivateAttr(default=None)

    def cloud_servers(self) -> tuple[Server, ...]:
        """Those of `all_servers` that stand in this environment's cloud, and have groups there."""
        return tuple(server for server in self.all_servers() if not server.elsewhere)

    def opened_servers(self) -> tuple[Server, ...]:
        """Those of `all_servers` whose rules go onto a group that is managed elsewhere."""
        return tuple(server for server in self.all_servers() if server.group and server.open_group)

    def all_servers(self) -> tuple[Server, ...]:
        """The servers of the topology and the file's own, sorted by name; roles in the order of the nine.

        Those that stand elsewhere too.
        """
        servers = {}
        if self.topology:
            servers = {name: Server(name=name, roles=roles) for name, roles in TOPOLOGIES[self.topology].items()}
        servers.update({server.name: server for server in self.servers})
        return tuple(
            server.model_copy(update={"roles": tuple(role for role in ROLES if role in server.roles)})
            for _, server in sorted(servers.items())
        )

    def with_server(self, values: Mapping[str, Any]) -> Environment:
        """This environment with one server more, from the keys of a server in a file.

        Raises:
            InputError: the name or the roles are not possible.
        """
        try:
            server = Server.model_validate(values)
        except ValidationError as error:
            problems = validation_problems(error, Server)
            raise InputError([Problem(f"server {values['name']!r}", message) for _, message in problems]) from None
        changed = self.model_copy(update={"servers": (*self.servers, server)})
        changed._rules = None
        return changed

    def load_matrix(self) -> Matrix:
        """The matrix that this environment goes by.

        Raises:
            InputError: the file that `matrix` names cannot be used.
        """
        if self.matrix is None:
            return load_matrix()
        folder = self._document.path.parent if self._document else Path()
        try:
            return load_matrix(folder / self.matrix)
        except InputError as error:
            raise self.error((("matrix",), line) for line in str(error).splitlines()) from None

    @property
    def ip_versions(self) -> tuple[int, ...]:
        """The versions of its families, 4 or 6, in their order."""
        return tuple(4 if family == "ipv4" else 6 for family in self.ip_families)

    @property
    def source(self) -> str | None:
        """The file that the environment came from; None where Python made it."""
        return str(self._document.path) if self._document else None

    def group_name(self, server: str) -> str:
        """The name of a server's group in the cloud (``internal`` for the shared one); stable for its whole life."""
        return f"{self.prefix}-{server}"

    @property
    def prefix(self) -> str:
        """What the groups' names and Terraform's addresses begin with."""
        return self.group_prefix or self.name

    def error(self, problems: Iterable[tuple[KeyPath, str]], kind: type[InputError] = InputError) -> InputError:
        """The error for these problems, with file and lines where the environment came from a file."""
        if self._document:
            return kind(self._document.problems(problems), file=str(self._document.path))
        return kind([Problem(path_text(where), message) for where, message in problems])

    @classmethod
    def json_schema(cls) -> dict[str, Any]:
        """The JSON Schema of environment files, which editors complete from."""
        matrix = load_matrix()
        schema = cls.model_json_schema(by_alias=True)
        schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
        schema["title"] = "jtel environment"
        properties = schema["properties"]
        # these keys are open, since a matrix of the user's own may have others; editors get the documented ones
        properties["narrow"]["propertyNames"] = {
            "anyOf": [{"enum": [row.key for row in matrix.rows if "any" in row.sources]}, {"type": "string"}]
        }
        properties["supplements"]["items"] = {
            "anyOf": [{"enum": [supplement.key for supplement in matrix.supplements]}, {"type": "string"}]
        }
        names = [kind for kind, known in NOTICE_KINDS.items() if not known.subject and kind != "not-occurring"]
        names += [f"supplement-{state}:{one.key}" for state in ("off", "on") for one in matrix.supplements]
        names += [f"role-missing:{role}" for role in ROLES]
        subjects = "|".join(kind for kind, known in NOTICE_KINDS.items() if known.subject)
        properties["acknowledged"]["items"] = {
            "anyOf": [{"enum": names}, {"type": "string", "pattern": f"^({subjects}):.+$"}]
        }
        rule = schema["$defs"]["SiteRule"]["properties"]
        for key, known in (("from", [INTERNAL, *ROLES, *PEERS]), ("to", [INTERNAL, *ROLES])):
            one, many = rule[key]["anyOf"]
            one["anyOf"] = many["items"]["anyOf"] = [{"enum": known}, {"type": "string"}]
        return schema

    @classmethod
    def build(cls, values: Mapping[str, Any], document: YamlFile | None = None) -> Environment:
        """An environment from plain values.

        Raises:
            InputError: every key that is wrong.
        """
        if document and (tokens := [*_tokens(values)]):
            message = "a file holds no CDKTF tokens (${TfToken[...]}); write the value itself"
            raise InputError(document.problems((where, message) for where in tokens), str(document.path))
        try:
            environment = cls.model_validate(values)
        except ValidationError as error:
            problems = validation_problems(error, cls)
            if document:
                raise InputError(document.problems(problems), file=str(document.path)) from None
            hinted = [(where, with_hint(message, values, where)) for where, message in problems]
            raise InputError([Problem(path_text(where), message) for where, message in hinted]) from None
        environment._document = document
        return environment


def _tokens(value: Any, *where: str | int) -> Iterator[KeyPath]:
    """Where CDKTF tokens stand, of any kind: of a text, of a list, of a number."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _tokens(item, *where, key)
        if any("TfToken[" in key for key in value):
            yield where
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from _tokens(item, *where, index)
    elif isinstance(value, str) and "TfToken[" in value:
        yield where


def stack_name(path: Path) -> str:
    """The name of the Terraform stack of an environment file: the file's own, without its ending.

    Raises:
        InputError: the name is none that Terraform's tools take.
    """
    if not _STACK_NAME.fullmatch(path.stem):
        message = "the file's name is the stack's name: use letters, digits, _ . and -, no blanks"
        if is_folder(path):
            message = "this is a directory; name a YAML file in it"
        raise InputError([Problem("", message)], file=str(path))
    return path.stem


def load_environment(path: Path | str) -> Environment:
    """Read an environment from its YAML file. Checks its form; `compute` checks what it means.

    Raises:
        InputError: the file cannot be read, or keys are wrong.
    """
    document = read_yaml(Path(path))
    if looks_like_a_matrix(document.data):
        message = (
            "this is a matrix file, no environment: an environment names it with matrix: FILE. Keep it in another "
            "folder than environment files"
        )
        raise InputError([Problem("", message)], file=str(path))
    return Environment.build(document.data, document)
