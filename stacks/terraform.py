"""Providers without a network: finds provider mirrors on this machine and writes the Terraform CLI config for them.

A mirror is a folder that holds a directory named after a registry, in the layout of Terraform's `filesystem_mirror`:
unpacked HOST/NAMESPACE/TYPE/VERSION/OS_ARCH/, or packed
HOST/NAMESPACE/TYPE/terraform-provider-TYPE_VERSION_OS_ARCH.zip.

The rule: a Terraform CLI config that has already spoken about providers stands (TF_CLI_CONFIG_FILE when that file
exists; `provider_installation` in ~/.terraformrc or ~/.tofurc). Else every mirror at most three levels below
Terraform's own implied mirror directories, the home directory, /opt, /usr/local and /usr/share is used, for the
providers that it holds for this platform; all other providers still come from their registry. OpenTofu asks
registry.opentofu.org for the same providers, so a mirror of registry.terraform.io does not serve it.
"""

from __future__ import annotations

import json
import os
import platform
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

HOSTS = ("registry.terraform.io", "registry.opentofu.org")

_LEVELS = 3
# no mirrors live in these, and they can be large; .terraform is one root module's working copy
_SKIPPED_NAMES = frozenset({".git", ".terraform", "__pycache__", "node_modules"})
_SKIPPED_PATHS = frozenset({"/dev", "/proc", "/sys"})
_MACHINES = {"x86_64": "amd64", "aarch64": "arm64", "i386": "386", "i686": "386", "armv6l": "arm", "armv7l": "arm"}
_VERSION = re.compile(r"\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?")
_RANGE_PART = re.compile(r"(>=|<=|>|<|=)\s*(\d+)\.(\d+)\.(\d+)")


@dataclass(frozen=True, slots=True)
class Mirror:
    """One folder that holds registry directories.

    Attributes:
        folder: what goes into `filesystem_mirror { path = ... }`.
        versions: for each provider held for this platform (``registry.terraform.io/hashicorp/aws``), its versions,
            oldest first.
    """

    folder: Path
    versions: Mapping[str, tuple[str, ...]]


def this_platform() -> str:
    """This machine as providers name it, such as ``linux_amd64``."""
    machine = platform.machine().lower()
    return f"{platform.system().lower()}_{_MACHINES.get(machine, machine)}"


def search_roots(environ: Mapping[str, str], here: Path) -> tuple[Path, ...]:
    """Where mirrors are looked for: Terraform's implied mirror directories, then home, /opt, /usr/local, /usr/share.

    Args:
        environ: HOME and the XDG variables are read.
        here: the folder that Terraform runs in; ``terraform.d/plugins`` in it is an implied mirror.
    """
    home = Path(environ.get("HOME") or Path.home())
    data_home = environ.get("XDG_DATA_HOME") or home / ".local/share"
    data_dirs = environ.get("XDG_DATA_DIRS") or "/usr/local/share:/usr/share"
    implied = [here / "terraform.d/plugins", home / ".terraform.d/plugins"]
    if sys.platform == "darwin":
        implied += [Path(base, "Library/Application Support/io.terraform/plugins") for base in (home, "/")]
    implied += [Path(base, "terraform/plugins") for base in (data_home, *data_dirs.split(":")) if base]
    return (*implied, home, Path("/opt"), Path("/usr/local"), Path("/usr/share"))


def find_mirrors(
    environ: Mapping[str, str] | None = None,
    *,
    here: Path | None = None,
    roots: Iterable[Path] | None = None,
    target: str | None = None,
) -> tuple[Mirror, ...]:
    """The provider mirrors on this machine; none where a Terraform CLI config has already spoken.

    Unreadable folders are passed over. The cost is bounded: nothing below three levels is listed, and no folder twice.

    Args:
        environ: default: this process's environment.
        here: the folder that Terraform runs in; default: the current one.
        roots: folders to search instead of `search_roots`.
        target: default: `this_platform`.
    """
    environ = os.environ if environ is None else environ
    if standing_config(environ):
        return ()
    roots = search_roots(environ, here or Path.cwd()) if roots is None else roots
    found: dict[str, Mirror] = {}
    listed: dict[tuple[int, int], int] = {}
    for root in roots:
        for folder in _mirror_folders(root, listed):
            versions = _held(folder, target or this_platform())
            if versions:
                found.setdefault(os.path.realpath(folder), Mirror(folder, versions))
    return tuple(found.values())


def standing_config(environ: Mapping[str, str]) -> Path | None:
    """The Terraform CLI config file whose word on providers stands, if there is one."""
    named = environ.get("TF_CLI_CONFIG_FILE")
    if named and os.path.isfile(named):
        return Path(named)
    home = Path(environ.get("HOME") or Path.home())
    for name in (".terraformrc", ".tofurc"):
        try:
            if "provider_installation" in (home / name).read_text(encoding="utf-8", errors="replace"):
                return home / name
        except OSError:
            continue
    return None


def held_providers(mirrors: Iterable[Mirror]) -> dict[str, tuple[str, ...]]:
    """Every provider that the mirrors hold, such as ``registry.terraform.io/hashicorp/aws``, with its versions."""
    versions: dict[str, set[str]] = {}
    for mirror in mirrors:
        for provider, held in mirror.versions.items():
            versions.setdefault(provider, set()).update(held)
    return {provider: tuple(sorted(held, key=_order)) for provider, held in sorted(versions.items())}


def within(mirrors: Iterable[Mirror], ranges: Mapping[str, str]) -> tuple[Mirror, ...]:
    """The mirrors without providers of which they hold only versions that nobody here can use.

    An old provider in some mirror must not stand in the way of the registry, which has a newer one.

    Args:
        mirrors: from `find_mirrors`.
        ranges: for a provider (``hashicorp/aws``) the versions that will do (``>= 5.0.0, < 7.0.0``). A provider that
            is not named may have any version.

    Raises:
        ValueError: a range with other operators than >= <= > < =.
    """

    def usable(provider: str, held: tuple[str, ...]) -> bool:
        wanted = ranges.get(provider.partition("/")[2])
        return wanted is None or any(_satisfies(version, wanted) for version in held)

    kept = (
        Mirror(mirror.folder, {name: held for name, held in mirror.versions.items() if usable(name, held)})
        for mirror in mirrors
    )
    return tuple(mirror for mirror in kept if mirror.versions)


def cli_config(mirrors: Iterable[Mirror]) -> str:
    """The text of a Terraform CLI config: each mirror for the providers it holds, the registries for all others."""
    mirrors = tuple(mirrors)
    blocks = [
        "  filesystem_mirror {\n"
        f"    path    = {json.dumps(str(mirror.folder), ensure_ascii=False)}\n"
        f"    include = {json.dumps(sorted(mirror.versions))}\n"
        "  }\n"
        for mirror in mirrors
    ]
    blocks.append(f"  direct {{\n    exclude = {json.dumps(list(held_providers(mirrors)))}\n  }}\n")
    return "provider_installation {\n" + "".join(blocks) + "}\n"


def terraform_environment(
    folder: Path, base: Mapping[str, str] | None = None, ranges: Mapping[str, str] | None = None
) -> dict[str, str]:
    """The environment for child processes that run Terraform, CDKTF or OpenTofu.

    With mirrors found, their CLI config is written into `folder` and named in TF_CLI_CONFIG_FILE. A plugin cache is
    then of no use, and may be one of the mirrors, so it is switched off. A TF_CLI_CONFIG_FILE that names a missing
    file is taken out.

    Args:
        folder: where to write; made when it is missing.
        base: the environment to start from; default: this process's.
        ranges: see `within`.
    """
    environ = dict(os.environ if base is None else base)
    if not os.path.isfile(environ.get("TF_CLI_CONFIG_FILE", "")):
        environ.pop("TF_CLI_CONFIG_FILE", None)
    mirrors = within(find_mirrors(environ), ranges or {})
    if mirrors:
        folder.mkdir(parents=True, exist_ok=True)
        file = folder / "provider-mirrors.tfrc"
        file.write_text(cli_config(mirrors), encoding="utf-8", errors="surrogateescape")
        environ["TF_CLI_CONFIG_FILE"] = str(file.resolve())
        environ["CDKTF_DISABLE_PLUGIN_CACHE_ENV"] = "1"
        environ.pop("TF_PLUGIN_CACHE_DIR", None)
    return environ


def provider_source(provider: str, wanted: str, binary: str, environ: Mapping[str, str] | None = None) -> str:
    """Where Terraform will take a provider from, in words for a person.

    Args:
        provider: such as ``hashicorp/aws``.
        wanted: the versions that will do, as in `within`.
        binary: the command that runs, ``terraform`` or ``tofu``.
        environ: what `terraform_environment` is, or was, called with; default: this process's environment.
    """
    environ = os.environ if environ is None else environ
    if config := standing_config(environ):
        return f"as {config} says"
    host = HOSTS[1] if "tofu" in os.path.basename(binary) else HOSTS[0]
    address = f"{host}/{provider}"
    holders = [mirror for mirror in within(find_mirrors(environ), {provider: wanted}) if address in mirror.versions]
    if holders:
        versions = held_providers(holders)[address]
        return f"{', '.join(versions)} from the mirror {', '.join(str(mirror.folder) for mirror in holders)}"
    return f"downloaded from {host}; no mirror of it on this machine holds one"


def _mirror_folders(root: Path, listed: dict[tuple[int, int], int]) -> Iterator[Path]:
    """Folders with a registry directory, `root` itself and up to three levels below it, the upper ones first.

    `listed` remembers at which depth a folder was listed: roots overlap, and symlinks lead back.
    """
    level = [str(root)]
    for depth in range(_LEVELS + 1):
        below: list[str] = []
        for folder in level:
            for host in (os.path.join(folder, name) for name in HOSTS):
                if os.path.isdir(host):
                    # behind a link, the mirror that it leads into: Terraform does not follow the link itself
                    yield Path(os.path.realpath(host)).parent if os.path.islink(host) else Path(folder)
            # the deepest level is only asked for the two names, not listed
            if depth < _LEVELS and _goes_deeper(folder, depth, listed):
                below += _subfolders(folder)
        level = below


def _goes_deeper(folder: str, depth: int, listed: dict[tuple[int, int], int]) -> bool:
    try:
        status = os.stat(folder)
    except OSError:
        return False
    identity = (status.st_dev, status.st_ino)
    if listed.get(identity, _LEVELS) <= depth:
        return False
    listed[identity] = depth
    return True


def _subfolders(folder: str | Path) -> list[str]:
    try:
        with os.scandir(folder) as entries:
            return sorted(
                entry.path
                for entry in entries
                if entry.name not in (*_SKIPPED_NAMES, *HOSTS) and entry.path not in _SKIPPED_PATHS and _is_dir(entry)
            )
    except OSError:
        return []


def _is_dir(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a symlink to itself
        return False


def _held(folder: Path, target: str) -> dict[str, tuple[str, ...]]:
    """The providers in a mirror's registry directories that Terraform can install on `target`."""
    held: dict[str, tuple[str, ...]] = {}
    for host in filter(_is_real, (folder / name for name in HOSTS)):
        for namespace in filter(_is_real, _subfolders(host)):
            for provider in map(Path, filter(_is_real, _subfolders(namespace))):
                real = map(Path, filter(_is_real, _subfolders(provider)))
                versions = {path.name for path in real if os.path.isdir(path / target)}
                versions |= _packed(provider, target)
                versions = {version for version in versions if _VERSION.fullmatch(version)}
                if versions:
                    name = f"{host.name}/{provider.parent.name}/{provider.name}"
                    held[name] = tuple(sorted(versions, key=_order))
    return held


def _is_real(folder: str | Path) -> bool:
    """Whether it is no link: Terraform and OpenTofu follow one to the mirror and one to OS_ARCH, none between."""
    return not os.path.islink(folder)


def _packed(provider: Path, target: str) -> set[str]:
    name = re.compile(rf"terraform-provider-{re.escape(provider.name)}_(.+)_{re.escape(target)}\.zip")
    try:
        matches = [name.fullmatch(entry) for entry in os.listdir(provider)]
    except OSError:
        return set()
    return {match[1] for match in matches if match}


def _order(version: str) -> tuple[tuple[int, ...], bool, str]:
    """Sorts versions; a pre-release comes before its release."""
    numbers, _, rest = version.partition("-")
    return tuple(int(part) for part in numbers.partition("+")[0].split(".")), not rest, rest


def _satisfies(version: str, wanted: str) -> bool:
    """Whether a version is in a range. As for Terraform, no range asks for a pre-release."""
    if "-" in version:
        return False
    numbers = _order(version)[0]
    for part in wanted.split(","):
        match = _RANGE_PART.fullmatch(part.strip())
        if not match:
            raise ValueError(f"{part.strip()!r} in {wanted!r} is no version range; use >= <= > < = and three numbers")
        bound = tuple(int(number) for number in match.groups()[1:])
        holds = {
            ">=": numbers >= bound,
            "<=": numbers <= bound,
            ">": numbers > bound,
            "<": numbers < bound,
            "=": numbers == bound,
        }
        if not holds[match[1]]:
            return False
    return True
