"""Finding provider mirrors, and what Terraform itself makes of the config that names them."""

from __future__ import annotations

import os
import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest

from stacks.terraform import (
    Mirror,
    cli_config,
    find_mirrors,
    held_providers,
    provider_source,
    search_roots,
    standing_config,
    terraform_environment,
    this_platform,
    within,
)

AWS = "registry.terraform.io/hashicorp/aws"
OPENSTACK = "registry.terraform.io/terraform-provider-openstack/openstack"
HERE = this_platform()


def _unpacked(folder: Path, provider: str, version: str, target: str = HERE) -> None:
    leaf = folder / provider / version / target
    leaf.mkdir(parents=True)
    binary = leaf / f"terraform-provider-{provider.rpartition('/')[2]}_v{version}"
    binary.write_text("#!/bin/sh\nexit 1\n", encoding="utf-8")
    binary.chmod(0o755)


def _packed(folder: Path, provider: str, version: str, target: str = HERE) -> None:
    name = provider.rpartition("/")[2]
    (folder / provider).mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(folder / provider / f"terraform-provider-{name}_{version}_{target}.zip", "w") as archive:
        archive.writestr(f"terraform-provider-{name}_v{version}", "#!/bin/sh\nexit 1\n")


def _home(tmp_path: Path) -> dict[str, str]:
    """The environment of a user whose home is empty."""
    home = tmp_path / "home"
    home.mkdir(exist_ok=True)
    return {"HOME": str(home), "XDG_DATA_DIRS": str(tmp_path / "none"), "PATH": os.environ["PATH"]}


def _found(tmp_path: Path, *roots: Path) -> tuple[Mirror, ...]:
    return find_mirrors(_home(tmp_path), roots=roots)


# where mirrors are


@pytest.mark.parametrize("below", [".", "a", "a/b", "a/b/c"])
def test_finds_a_registry_directory_in_a_folder_up_to_three_levels_below_a_root(tmp_path: Path, below: str) -> None:
    root = tmp_path / "root"
    _unpacked(root / below, AWS, "5.100.0")

    assert _found(tmp_path, root) == (Mirror(root / below, {AWS: ("5.100.0",)}),)


@pytest.mark.parametrize("level", range(6), ids=["mirror", "host", "namespace", "type", "version", "os_arch"])
def test_follows_a_link_where_terraform_follows_it_and_nowhere_else(tmp_path: Path, level: int) -> None:
    root, real = tmp_path / "root", tmp_path / "real"
    _unpacked(real, AWS, "5.100.0")
    below = Path(*(*AWS.split("/"), "5.100.0", HERE)[:level])
    (root / "mirror" / below).parent.mkdir(parents=True)
    (root / "mirror" / below).symlink_to(real / below)

    found = _found(tmp_path, root)
    # of a link to the registry's directory, the mirror behind it is taken
    assert [mirror.folder for mirror in found] == {0: [root / "mirror"], 1: [real], 5: [root / "mirror"]}.get(level, [])
    assert all(_terraform_installs(tmp_path, mirror.folder) for mirror in found)
    assert _terraform_installs(tmp_path, root / "mirror") == (level in (0, 5))


def _terraform_installs(tmp_path: Path, mirror: Path) -> bool:
    """Whether the real Terraform, or OpenTofu, finds the provider in the mirror."""
    binary = shutil.which("terraform") or shutil.which("tofu")
    if not binary:
        pytest.skip("Terraform: this machine has no terraform and no tofu")
    work = tmp_path / "work"
    work.mkdir(exist_ok=True)
    (work / "main.tf").write_text(
        f'terraform {{\n  required_providers {{\n    aws = {{ source = "{AWS}" }}\n  }}\n}}\n', encoding="utf-8"
    )
    (work / "rc").write_text(
        f'provider_installation {{\n  filesystem_mirror {{\n    path = "{mirror}"\n  }}\n}}\n', encoding="utf-8"
    )
    environ = _home(tmp_path) | {"TF_CLI_CONFIG_FILE": str(work / "rc"), "CHECKPOINT_DISABLE": "1"}
    command = [binary, "init", "-input=false", "-no-color"]
    done = subprocess.run(command, cwd=work, env=environ, capture_output=True, check=False)
    shutil.rmtree(work)
    return done.returncode == 0


def test_looks_no_deeper_than_three_levels(tmp_path: Path) -> None:
    _unpacked(tmp_path / "root/a/b/c/d", AWS, "5.100.0")

    assert _found(tmp_path, tmp_path / "root") == ()


def test_searches_terraforms_implied_directories_then_home_and_the_shared_folders() -> None:
    environ = {"HOME": "/home/ada", "XDG_DATA_HOME": "/data/ada", "XDG_DATA_DIRS": "/a:/b"}

    roots = [str(root) for root in search_roots(environ, Path("/project"))]

    assert roots[:2] == ["/project/terraform.d/plugins", "/home/ada/.terraform.d/plugins"]
    assert roots[-7:] == [
        "/data/ada/terraform/plugins",
        "/a/terraform/plugins",
        "/b/terraform/plugins",
        "/home/ada",
        "/opt",
        "/usr/local",
        "/usr/share",
    ]


def test_goes_by_the_defaults_of_xdg_where_nothing_is_set() -> None:
    roots = [str(root) for root in search_roots({"HOME": "/home/ada"}, Path("/project"))]

    assert "/home/ada/.local/share/terraform/plugins" in roots
    assert "/usr/local/share/terraform/plugins" in roots
    assert "/usr/share/terraform/plugins" in roots


def test_finds_a_mirror_once_that_several_roots_and_symlinks_lead_to(tmp_path: Path) -> None:
    root = tmp_path / "root"
    _unpacked(root / "mirror", AWS, "5.100.0")
    (root / "same").symlink_to(root / "mirror")
    (root / "mirror/loop").symlink_to(root)
    (root / "self").symlink_to(root / "self")

    assert [mirror.folder for mirror in _found(tmp_path, root, root / "mirror", root)] == [root / "mirror"]


def test_finds_what_a_link_on_another_path_had_already_reached_from_further_up(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    _unpacked(second / "a/b/c", AWS, "5.100.0")
    (first / "x").mkdir(parents=True)
    (first / "x/link").symlink_to(second)

    assert [mirror.folder for mirror in _found(tmp_path, first, second)] == [second / "a/b/c"]


def test_follows_a_link_to_a_mirror(tmp_path: Path) -> None:
    _unpacked(tmp_path / "elsewhere", AWS, "5.100.0")
    (tmp_path / "root").mkdir()
    (tmp_path / "root/registry.terraform.io").symlink_to(tmp_path / "elsewhere/registry.terraform.io")

    assert held_providers(_found(tmp_path, tmp_path / "root")) == {AWS: ("5.100.0",)}


@pytest.mark.parametrize("name", [".terraform", ".git", "node_modules"])
def test_passes_over_folders_that_are_no_place_for_a_mirror(tmp_path: Path, name: str) -> None:
    _unpacked(tmp_path / "root" / name / "providers", AWS, "5.100.0")

    assert _found(tmp_path, tmp_path / "root") == ()


def test_passes_over_missing_and_unreadable_folders_and_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = tmp_path / "root"
    _unpacked(root / "mirror", AWS, "5.100.0")
    (root / "locked").mkdir()
    (root / "file").write_text("", encoding="utf-8")
    scandir = os.scandir

    def guarded(folder: str | Path) -> object:
        if Path(folder).name == "locked":  # as root, mode 0 would not lock it
            raise PermissionError(13, "Permission denied", str(folder))
        return scandir(folder)

    monkeypatch.setattr(os, "scandir", guarded)

    assert held_providers(_found(tmp_path, tmp_path / "missing", root)) == {AWS: ("5.100.0",)}


# what they hold


def test_reads_both_layouts_and_orders_versions_by_number(tmp_path: Path) -> None:
    root = tmp_path / "root"
    for version in ("5.9.0", "5.100.0", "6.0.0-beta1", "6.0.0"):
        _unpacked(root, AWS, version)
    _packed(root, AWS, "5.50.1")
    _packed(root, OPENSTACK, "3.4.0")

    assert held_providers(_found(tmp_path, root)) == {
        AWS: ("5.9.0", "5.50.1", "5.100.0", "6.0.0-beta1", "6.0.0"),
        OPENSTACK: ("3.4.0",),
    }


def test_counts_only_what_runs_on_this_platform(tmp_path: Path) -> None:
    root = tmp_path / "root"
    _unpacked(root, AWS, "5.100.0", target="plan9_mips")
    _packed(root, AWS, "5.99.0", target="plan9_mips")
    _packed(root, OPENSTACK, "3.4.0")

    assert held_providers(_found(tmp_path, root)) == {OPENSTACK: ("3.4.0",)}
    plan9 = find_mirrors(_home(tmp_path), roots=[root], target="plan9_mips")
    assert held_providers(plan9) == {AWS: ("5.99.0", "5.100.0")}


def test_takes_no_empty_registry_directory_and_no_stray_files_for_a_mirror(tmp_path: Path) -> None:
    root = tmp_path / "root"
    (root / "a/registry.terraform.io").mkdir(parents=True)
    (root / "b" / AWS / "latest" / HERE).mkdir(parents=True)
    (root / "c" / AWS).mkdir(parents=True)
    (root / "c" / AWS / "index.json").write_text("{}", encoding="utf-8")

    assert _found(tmp_path, root) == ()


def test_joins_what_several_mirrors_hold(tmp_path: Path) -> None:
    _unpacked(tmp_path / "root/a", AWS, "5.100.0")
    _unpacked(tmp_path / "root/b", AWS, "6.1.0")

    assert held_providers(_found(tmp_path, tmp_path / "root")) == {AWS: ("5.100.0", "6.1.0")}


def test_leaves_out_a_provider_of_which_a_mirror_has_only_versions_that_nobody_can_use(tmp_path: Path) -> None:
    _unpacked(tmp_path / "root/old", AWS, "4.67.0")
    _unpacked(tmp_path / "root/both", AWS, "4.67.0")
    _unpacked(tmp_path / "root/both", AWS, "5.100.0")
    _unpacked(tmp_path / "root/both", OPENSTACK, "1.0.0")
    mirrors = _found(tmp_path, tmp_path / "root")

    kept = within(mirrors, {"hashicorp/aws": ">= 5.0.0, < 7.0.0"})

    assert [mirror.folder.name for mirror in kept] == ["both"]
    assert held_providers(kept) == {AWS: ("4.67.0", "5.100.0"), OPENSTACK: ("1.0.0",)}


@pytest.mark.parametrize(
    ("version", "wanted", "fits"),
    [
        ("5.0.0", ">= 5.0.0", True),
        ("4.99.99", ">= 5.0.0", False),
        ("7.0.0", ">= 5.0.0, < 7.0.0", False),
        ("6.99.0", ">= 5.0.0, < 7.0.0", True),
        ("5.0.0", "> 5.0.0", False),
        ("5.0.0", "<= 5.0.0", True),
        ("5.10.0", "= 5.9.0", False),
        ("6.0.0-beta1", ">= 5.0.0", False),
    ],
)
def test_compares_versions_as_terraform_does(version: str, wanted: str, fits: bool) -> None:
    mirror = Mirror(Path("/mirror"), {AWS: (version,)})

    assert bool(within([mirror], {"hashicorp/aws": wanted})) is fits


def test_refuses_a_range_that_it_cannot_read() -> None:
    with pytest.raises(ValueError, match="'~> 5' in '~> 5' is no version range; use >= <= > < = and three numbers"):
        within([Mirror(Path("/mirror"), {AWS: ("5.0.0",)})], {"hashicorp/aws": "~> 5"})


# whose word stands


def test_leaves_everything_to_a_cli_config_file_that_exists(tmp_path: Path) -> None:
    environ = _home(tmp_path)
    _unpacked(Path(environ["HOME"], "mirror"), AWS, "5.100.0")
    config = tmp_path / "my.tfrc"
    config.write_text("", encoding="utf-8")
    environ["TF_CLI_CONFIG_FILE"] = str(config)

    assert find_mirrors(environ) == ()
    assert terraform_environment(tmp_path / "work", environ) == environ
    assert not (tmp_path / "work").exists()
    assert provider_source("hashicorp/aws", ">= 5.0.0", "terraform", environ) == f"as {config} says"


@pytest.mark.parametrize("name", [".terraformrc", ".tofurc"])
def test_leaves_everything_to_a_users_own_config_that_speaks_of_providers(tmp_path: Path, name: str) -> None:
    environ = _home(tmp_path)
    _unpacked(Path(environ["HOME"], "mirror"), AWS, "5.100.0")
    config = Path(environ["HOME"], name)
    config.write_text("provider_installation {\n  direct {}\n}\n", encoding="utf-8")

    assert standing_config(environ) == config
    assert terraform_environment(tmp_path / "work", environ) == environ


def test_does_not_take_another_setting_for_a_word_on_providers(tmp_path: Path) -> None:
    environ = _home(tmp_path)
    Path(environ["HOME"], ".terraformrc").write_text("disable_checkpoint = true\n", encoding="utf-8")

    assert standing_config(environ) is None


def test_takes_no_notice_of_a_cli_config_file_that_is_missing(tmp_path: Path) -> None:
    environ = _home(tmp_path)
    _unpacked(Path(environ["HOME"], "mirror"), AWS, "5.100.0")
    environ["TF_CLI_CONFIG_FILE"] = str(tmp_path / "missing.tfrc")

    made = terraform_environment(tmp_path / "work", environ)

    assert made["TF_CLI_CONFIG_FILE"] == str(tmp_path / "work/provider-mirrors.tfrc")
    assert str(Path(environ["HOME"], "mirror")) in Path(made["TF_CLI_CONFIG_FILE"]).read_text(encoding="utf-8")


def test_takes_a_missing_cli_config_file_out_where_there_is_no_mirror(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stacks.terraform.search_roots", lambda environ, here: (Path(environ["HOME"]),))
    environ = _home(tmp_path)

    made = terraform_environment(tmp_path / "work", environ | {"TF_CLI_CONFIG_FILE": str(tmp_path / "missing.tfrc")})

    assert made == environ
    assert not (tmp_path / "work").exists()


def test_switches_the_plugin_cache_off_where_a_mirror_is_used(tmp_path: Path) -> None:
    environ = _home(tmp_path)
    cache = Path(environ["HOME"], ".terraform.d/plugin-cache")
    _unpacked(cache, AWS, "5.100.0")

    made = terraform_environment(tmp_path / "work", environ | {"TF_PLUGIN_CACHE_DIR": str(cache)})

    assert made["CDKTF_DISABLE_PLUGIN_CACHE_ENV"] == "1"
    assert "TF_PLUGIN_CACHE_DIR" not in made


# the words and the config


def test_says_where_a_provider_comes_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stacks.terraform.search_roots", lambda environ, here: (Path(environ["HOME"]),))
    environ = _home(tmp_path)
    mirror = Path(environ["HOME"], "mirror")
    _unpacked(mirror, AWS, "5.100.0")

    def said(wanted: str, binary: str) -> str:
        return provider_source("hashicorp/aws", wanted, binary, environ)

    assert said(">= 5.0.0, < 7.0.0", "terraform") == f"5.100.0 from the mirror {mirror}"
    assert said(">= 6.0.0", "terraform").startswith("downloaded from registry.terraform.io; no mirror")
    assert said(">= 5.0.0", "/usr/bin/tofu").startswith("downloaded from registry.opentofu.org; no mirror")


def test_writes_one_block_for_each_mirror_and_leaves_other_providers_to_the_registry() -> None:
    mirrors = [
        Mirror(Path("/opt/one"), {OPENSTACK: ("3.4.0",), AWS: ("5.100.0",)}),
        Mirror(Path('/opt/t"wo'), {AWS: ("6.1.0",)}),
    ]

    assert cli_config(mirrors) == (
        "provider_installation {\n"
        "  filesystem_mirror {\n"
        '    path    = "/opt/one"\n'
        f'    include = ["{AWS}", "{OPENSTACK}"]\n'
        "  }\n"
        "  filesystem_mirror {\n"
        '    path    = "/opt/t\\"wo"\n'
        f'    include = ["{AWS}"]\n'
        "  }\n"
        "  direct {\n"
        f'    exclude = ["{AWS}", "{OPENSTACK}"]\n'
        "  }\n"
        "}\n"
    )


def test_terraform_installs_from_the_mirrors_that_the_config_names(tmp_path: Path) -> None:
    binary = shutil.which("terraform") or shutil.which("tofu")
    if not binary:
        pytest.skip("this machine has no terraform and no tofu")
    host = "registry.opentofu.org" if binary.endswith("tofu") else "registry.terraform.io"
    environ = _home(tmp_path)
    # one name for both: nobody publishes these, so only the mirrors can have them
    _unpacked(Path(environ["HOME"], "a mirror"), f"{host}/jtel-test/unpacked", "5.100.0")
    _packed(Path(environ["HOME"], "b/c/mirror"), f"{host}/jtel-test/packed", "3.4.0")
    work = tmp_path / "stack"
    work.mkdir()
    (work / "main.tf.json").write_text(
        '{"terraform": {"required_providers": {'
        '"unpacked": {"source": "jtel-test/unpacked", "version": ">= 5.0.0, < 7.0.0"}, '
        '"packed": {"source": "jtel-test/packed", "version": "3.4.0"}}}}',
        encoding="utf-8",
    )

    made = terraform_environment(tmp_path / "work", environ | {"CHECKPOINT_DISABLE": "1"})
    result = subprocess.run(
        [binary, "init", "-no-color"], cwd=work, env=made, capture_output=True, text=True, check=False, timeout=60
    )

    assert result.returncode == 0, result.stdout + result.stderr
    assert (work / f".terraform/providers/{host}/jtel-test/unpacked/5.100.0/{HERE}").exists()
    assert (work / f".terraform/providers/{host}/jtel-test/packed/3.4.0/{HERE}").exists()
