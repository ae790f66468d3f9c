"""The plain module: the CDK's resources at the CDK's addresses, as Terraform's own tools want them, and proved."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from jtel_constructs.answers import prove
from jtel_constructs.cli import main
from jtel_constructs.clouds import cloud_of
from jtel_constructs.clouds.base import Ref, Template
from jtel_constructs.clouds.terraform_json import fragment
from jtel_constructs.exports import hcl
from jtel_constructs.exports.terraform_module import terraform_module
from jtel_constructs.policy import Environment, compute
from jtel_constructs.readers import read_terraform
from stacks.terraform import terraform_environment
from tests.clouds.samples import CLOUDS, environment, site_rule
from tests.providers import terraform_with

ENVIRONMENTS = Path(__file__).parents[2] / "stacks/environments"
TEL = {"name": "tel", "roles": ["ACD-TEL"], "addresses": ["192.0.2.16/28", "2001:db8:7::/64"], "elsewhere": True}


def hybrid(cloud: str) -> Environment:
    """All that can be emitted on a cloud, with telephony on premises, and names with capital letters."""
    return environment(
        cloud,
        ip_families=["ipv4", "ipv6"],
        platform={"address_groups": True, "region": "RegionOne"} if cloud == "openstack" else None,
        limits={"security_group_rules": -1, "security_groups": -1} if cloud == "openstack" else {},
        servers=[TEL, {"name": "Chat_2", "roles": ["ACD-CHAT"]}],
        supplements=["database-backend", "store-cluster"],
        tags={"team": "contact-centre"},
        site_rules=[site_rule("scan", ["10.9.0.0/24", "10.9.4.0/24", "tel"], ["1-65535"], protocol=["tcp", "udp"])],
    )


def written(files: dict[str, str], folder: Path) -> Path:
    folder.mkdir(exist_ok=True)
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def defaults(content: dict[str, Any]) -> dict[str, Any]:
    """The module with the variables' defaults in place of the variables."""
    text = json.dumps({key: content[key] for key in ("resource", "output", "moved") if key in content})
    location = str(content["variable"].get("location", {}).get("default", "")).lower().replace(" ", "")
    text = text.replace('${lower(replace(var.location, \\" \\", \\"\\"))}', location)
    # within the quotes of the guard's condition they are escaped once more
    for name, body in content["variable"].items():
        if isinstance(body["default"], str):
            text = text.replace(f"${{var.{name}}}", body["default"])
    found: dict[str, Any] = json.loads(text)
    return found


@pytest.mark.parametrize("cloud", CLOUDS)
def test_it_has_the_resources_of_the_cdks_stack_at_their_addresses(cloud: str) -> None:
    of = hybrid(cloud)
    rules = compute(of)
    plan = cloud_of(of).emit(rules)
    facts = {server.name: {"roles": list(server.roles), "os": server.system} for server in rules.servers}
    stack = fragment(plan.resources, plan.outputs, facts)
    module = defaults(json.loads(terraform_module(rules, "tf-json")["main.tf.json"]))
    del module["output"]["acd_servers"]["description"]
    assert module == stack
    heads = re.findall(r'^resource "(.*)" "(.*)" \{$', terraform_module(rules, "hcl")["main.tf"], re.MULTILINE)
    assert heads == [(block.type, block.name) for block in plan.resources]
    assert "tel" not in module["output"]["acd_servers"]["value"]


@pytest.mark.parametrize("cloud", CLOUDS)
def test_it_is_proved_with_its_defaults_and_not_with_a_port_more(cloud: str, tmp_path: Path) -> None:
    of = hybrid(cloud)
    rules = compute(of)
    file = written(terraform_module(rules, "tf-json"), tmp_path / "module") / "main.tf.json"
    assert prove(rules, read_terraform(file, of)).proved
    kind = {
        "aws": "aws_vpc_security_group_ingress_rule",
        "azure": "azurerm_network_security_rule",
        "openstack": "openstack_networking_secgroup_rule_v2",
    }[cloud]
    content = json.loads(file.read_text())
    name = next(name for name in sorted(content["resource"][kind]) if "_from_" in name)
    del content["resource"][kind][name]
    file.write_text(json.dumps(content))
    assert prove(rules, read_terraform(file, of)).differences


def test_a_variable_says_where_and_never_what(tmp_path: Path) -> None:
    """The default of a variable is believed of a place alone: of a block, it cannot be told."""
    of = hybrid("aws")
    rules = compute(of)
    file = written(terraform_module(rules, "tf-json"), tmp_path / "module") / "main.tf.json"
    content = json.loads(file.read_text())
    some = content["resource"]["aws_vpc_security_group_ingress_rule"]
    name = next(name for name, body in some.items() if "cidr_ipv4" in body)
    content["variable"]["block"] = {"default": some[name]["cidr_ipv4"]}
    some[name]["cidr_ipv4"] = "${var.block}"
    file.write_text(json.dumps(content))
    assert not prove(rules, read_terraform(file, of)).proved
    content["variable"]["vpc_id"]["default"] = "vpc-0fedcba9876543210"
    file.write_text(json.dumps(content))
    assert any("vpc-0fedcba9876543210" in one.message for one in prove(rules, read_terraform(file, of)).differences)


@pytest.mark.parametrize("cloud", CLOUDS)
@pytest.mark.parametrize("form", ["hcl", "tf-json"])
def test_terraform_formats_and_validates_it(cloud: str, form: Any, tmp_path: Path) -> None:
    of = hybrid(cloud)
    provider = cloud_of(of).provider(of)
    command = terraform_with(provider.source, provider.versions)
    folder = written(terraform_module(compute(of), form), tmp_path / "module")
    environ = {
        **terraform_environment(tmp_path / "cli", ranges={provider.source: provider.versions}),
        "CHECKPOINT_DISABLE": "1",
    }

    def terraform(*arguments: str) -> str:
        done = subprocess.run(
            [command, *arguments], cwd=folder, env=environ, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    assert terraform("fmt", "-check", "-diff", "-no-color") == ""
    terraform("init", "-backend=false", "-input=false", "-no-color")
    assert "The configuration is valid" in terraform("validate", "-no-color")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ('say "x" \\ ${y} %{z}\n', r'"say \"x\" \\ $${y} %%{z}\n"'),
        (Ref("t", "n"), "t.n.id"),
        (Template("${var.x}"), "var.x"),
        (Template('${self.output == "${var.x} in ${var.y}"}'), 'self.output == "${var.x} in ${var.y}"'),
        (Template("${var.x} in ${var.y}"), '"${var.x} in ${var.y}"'),
        (True, "true"),
        (7, "7"),
        ([1, "a"], '[1, "a"]'),
        ({}, "{}"),
    ],
)
def test_values_in_terraforms_language(value: Any, text: str) -> None:
    assert hcl.block("x", {"k": value}) == f"x {{\n  k = {text}\n}}\n"


def test_hcl_is_as_terraform_writes_it(tmp_path: Path) -> None:
    command = shutil.which("terraform") or shutil.which("tofu")
    if command is None:
        pytest.skip("this machine has no terraform and no tofu")
    body = {
        "a": 1,
        "long_name": "x",
        "tags": {"team": "a", "odd key ${x}": "b", "nested": {"x": 1, "yyy": [2]}, "z": 1},
        "list": [f"entry number {number}" for number in range(20)],
        "b": True,
        "depends_on": ["t.n"],
        "lifecycle": {"create_before_destroy": True, "postcondition": [{"condition": Template("${true}")}] * 2},
    }
    (tmp_path / "main.tf").write_text(hcl.block(f"resource {hcl.labels('t', 'n')}", body))
    done = subprocess.run(
        [command, "fmt", "-check", "-diff"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "")


def test_the_command_writes_a_folder_and_refuses_one_that_has_other_files_of_terraforms(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["export", str(ENVIRONMENTS / "demo-aws.yaml"), "-o", str(tmp_path / "new" / "module")]
    assert main(arguments) == 0
    names = ["main.tf", "outputs.tf", "providers.tf", "variables.tf", "versions.tf"]
    assert sorted(path.name for path in (tmp_path / "new/module").iterdir()) == names
    # again: the same files
    assert main(arguments) == 0
    assert main([*arguments, "--format", "tf-json"]) == 2
    assert "has main.tf, outputs.tf, providers.tf, variables.tf, versions.tf already" in capsys.readouterr().err
    assert sorted(path.name for path in (tmp_path / "new/module").iterdir()) == names


@pytest.mark.parametrize("form", ["hcl", "tf-json"])
def test_the_module_of_another_environment_is_not_replaced_and_that_of_a_renamed_one_is(
    form: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    demo = (ENVIRONMENTS / "demo-aws.yaml").read_text(encoding="utf-8")
    module, other = tmp_path / "module", tmp_path / "other.yaml"
    arguments = ["--format", form, "-o", str(module)]
    assert main(["export", str(ENVIRONMENTS / "demo-aws.yaml"), *arguments]) == 0
    before = {path.name: path.read_bytes() for path in module.iterdir()}
    renamed = demo.replace("name: demo-aws\n", "name: live\n", 1)
    assert renamed != demo
    other.write_text(renamed, encoding="utf-8")
    assert main(["export", str(other), *arguments]) == 2
    assert f"{module} has the module of the environment demo-aws, which" in capsys.readouterr().err
    assert {path.name: path.read_bytes() for path in module.iterdir()} == before
    other.write_text(renamed.replace("name: live\n", "name: live\ngroup_prefix: demo-aws\n", 1), encoding="utf-8")
    assert main(["export", str(other), *arguments]) == 0
    assert main(["export", str(other), *arguments]) == 0


@pytest.mark.parametrize(("form", "name"), [("hcl", "main.tf"), ("hcl", "versions.tf"), ("tf-json", "main.tf.json")])
def test_a_file_of_somebody_elses_is_never_overwritten(
    form: str, name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    theirs = tmp_path / name
    theirs.write_text('resource "null_resource" "mine" {}\n', encoding="utf-8")
    assert main(["export", str(ENVIRONMENTS / "demo-aws.yaml"), "--format", form, "-o", str(tmp_path)]) == 2
    assert f"{tmp_path} has {name} already, which no jtel export wrote" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert theirs.read_text(encoding="utf-8") == 'resource "null_resource" "mine" {}\n'


@pytest.mark.parametrize("form", ["hcl", "tf-json"])
def test_it_asks_for_a_terraform_that_knows_every_resource(form: Any) -> None:
    files = terraform_module(compute(environment("aws")), form)
    text = "".join(files.values())
    assert "terraform_data" in text
    assert ">= 1.4.0" in text, "terraform_data is part of Terraform from 1.4 on"


def test_it_imports_neither_the_cdk_nor_its_engine(tmp_path: Path) -> None:
    program = (
        "import sys\nfrom jtel_constructs.cli import main\n"
        f"assert main(['export', {str(ENVIRONMENTS / 'demo-aws.yaml')!r}, '-o', {str(tmp_path)!r}]) == 0\n"
        "print(sorted({'cdktf', 'cdktn', 'jsii', 'constructs'} & set(sys.modules)), file=sys.stderr)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stderr == "[]\n"


def test_a_backend_that_is_not_local_goes_along() -> None:
    of = environment("aws")
    backend = {"type": "s3", "bucket": "states", "key": "acd", "region": "eu-central-1"}
    values = {**of.model_dump(exclude_unset=True, by_alias=True, mode="json"), "backend": backend}
    rules = compute(Environment.build(values))
    module = json.loads(terraform_module(rules, "tf-json")["main.tf.json"])
    assert module["terraform"]["backend"] == {
        "s3": {"bucket": "states", "key": "acd", "region": "eu-central-1", "encrypt": True}
    }
    assert '  backend "s3" {\n    bucket  = "states"\n' in terraform_module(rules, "hcl")["providers.tf"]
