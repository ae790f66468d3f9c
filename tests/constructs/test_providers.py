"""The provider of an environment: whether its stack has the right one, and the one that the user gives it."""

from __future__ import annotations

from typing import Any

import pytest

from jtel_constructs import AzurePlatform, InputError, LoadBalancer, OpenStackPlatform, require_provider
from jtel_constructs.answers import prove
from jtel_constructs.policy import Environment
from jtel_constructs.readers import read_terraform
from tests.constructs.apps import AWS, Synthesize, environment, foreign
from tests.constructs.test_engines import every_environment
from tests.engines import ENGINE, App, TerraformProvider, TerraformStack

SUBSCRIPTION = "00000000-0000-0000-0000-00000000000a"
AZURE = AzurePlatform(location="westeurope", resource_group="rg-jtel", subscription_id=SUBSCRIPTION)
SOURCES = {
    "aws": "hashicorp/aws",
    "azurerm": "hashicorp/azurerm",
    "openstack": "terraform-provider-openstack/openstack",
}


def provider(stack: TerraformStack, id: str = "provider", kind: str = "aws", **settings: Any) -> TerraformProvider:
    """A provider of the user's own, without generated bindings."""
    made = TerraformProvider(stack, id, terraform_resource_type=kind, terraform_provider_source=SOURCES[kind])
    for key, value in settings.items():
        made.add_override(key, value)
    return made


def stack() -> TerraformStack:
    return TerraformStack(App(), "acd")


def test_check_refuses_a_stack_without_the_provider() -> None:
    acd = environment(stack())
    LoadBalancer(acd, "lb")
    with pytest.raises(InputError, match=r"stack 'acd': has no provider of hashicorp/aws, .* or call require_provider"):
        acd.check()


def test_check_refuses_the_provider_of_another_cloud_alone() -> None:
    acd = environment(of := stack())
    LoadBalancer(acd, "lb")
    provider(of, kind="azurerm")
    with pytest.raises(InputError, match="stack 'acd': has no provider of hashicorp/aws"):
        acd.check()


@pytest.mark.parametrize("settings", [{"region": "eu-central-1"}, {}], ids=["that says the region", "that says none"])
def test_check_takes_a_provider_of_the_users_own(settings: dict[str, str]) -> None:
    acd = environment(of := stack())
    LoadBalancer(acd, "lb")
    provider(of, **settings)
    acd.check()


def test_check_takes_a_region_that_only_the_deployment_knows() -> None:
    acd = environment(of := stack())
    LoadBalancer(acd, "lb")
    provider(of, region=ENGINE.TerraformVariable(of, "region", type="string").string_value)
    acd.check()


def test_check_refuses_two_default_providers_by_their_names() -> None:
    acd = environment(of := stack())
    LoadBalancer(acd, "lb")
    require_provider(of, acd)
    provider(of, "mine", region="eu-central-1")
    with pytest.raises(InputError, match=r"has 2 default providers of hashicorp/aws \(acd/provider-aws, acd/mine\)"):
        acd.check()


def test_check_refuses_aliased_providers_without_a_default_one() -> None:
    acd = environment(of := stack())
    LoadBalancer(acd, "lb")
    provider(of, alias="west", region="eu-west-1")
    with pytest.raises(InputError, match=r"has no default provider of hashicorp/aws, only aliased ones \(west\)"):
        acd.check()


@pytest.mark.parametrize(
    ("platform", "kind", "settings", "message"),
    [
        (
            AWS,
            "aws",
            {"region": "eu-west-1"},
            "platform.region: is eu-central-1, but the provider acd/provider",
        ),
        (
            AZURE,
            "azurerm",
            {"subscription_id": SUBSCRIPTION.replace("a", "b")},
            "platform.subscription_id: is 00000000-0000-0000-0000-00000000000a, but",
        ),
        (
            OpenStackPlatform(region="RegionOne"),
            "openstack",
            {"region": "RegionTwo"},
            "platform.region: is RegionOne, but the provider acd/provider works in region RegionTwo",
        ),
        (
            OpenStackPlatform(cloud_name="one"),
            "openstack",
            {"cloud": "two"},
            "platform.cloud_name: is one, but the provider acd/provider works in cloud two",
        ),
    ],
    ids=["region", "subscription", "region of OpenStack", "entry of clouds.yaml"],
)
def test_check_refuses_a_provider_that_works_elsewhere(
    platform: Any, kind: str, settings: dict[str, str], message: str
) -> None:
    acd = environment(of := stack(), platform=platform)
    LoadBalancer(acd, "lb")
    provider(of, kind=kind, **settings)
    with pytest.raises(InputError) as error:
        acd.check()
    assert str(error.value).startswith(message)
    # given to the environment it is no better
    other = stack()
    acd = environment(other, platform=platform, provider=provider(other, kind=kind, alias="x", **settings))
    LoadBalancer(acd, "lb")
    with pytest.raises(InputError, match="give the environment another provider"):
        acd.check()


def test_a_subscription_is_the_same_in_any_letter_case() -> None:
    acd = environment(of := stack(), platform=AZURE)
    LoadBalancer(acd, "lb")
    provider(of, kind="azurerm", subscription_id=SUBSCRIPTION.upper())
    acd.check()


def test_everything_uses_the_provider_that_the_environment_is_given(synthesize: Synthesize) -> None:
    def build(app: App) -> None:
        of = TerraformStack(app, "acd")
        provider(of, "east", region="us-east-1")
        west = provider(of, "west", region="eu-central-1", alias="west")
        acd = environment(of, provider=west)
        LoadBalancer(acd, "lb")
        acd.check()

    resources = synthesize(build)["acd"]["resource"]
    ours = [block for kind, blocks in resources.items() if kind.startswith("aws_") for block in blocks.values()]
    assert len(ours) > 20
    assert {block["provider"] for block in ours} == {"aws.west"}


def test_an_environment_with_an_aliased_provider_proves(synthesize: Synthesize, tmp_path: Any) -> None:
    found = []

    def build(app: App) -> None:
        of = TerraformStack(app, "acd")
        acd = environment(of, provider=provider(of, "west", region="eu-central-1", alias="west"))
        LoadBalancer(acd, "lb")
        found.append(acd.check())

    synthesize(build)
    (path,) = tmp_path.rglob("cdk.tf.json")
    assert prove(found[0], read_terraform(path, found[0].environment)).found == ()


def test_without_one_nothing_names_a_provider(synthesize: Synthesize) -> None:
    stack_json = synthesize(lambda app: LoadBalancer(environment(TerraformStack(app, "acd")), "lb"))["acd"]
    assert not any("provider" in block for blocks in stack_json["resource"].values() for block in blocks.values())


def test_a_provider_that_cannot_serve_is_refused_where_it_is_given() -> None:
    of = TerraformStack(app := App(), "acd")
    with pytest.raises(InputError, match=r"^provider: must be a Terraform provider of cdkt.*, not a TerraformRes"):
        environment(of, provider=foreign(of, "aws_vpc", "vpc"))
    with pytest.raises(InputError, match=r"^provider: is a provider of azurerm; environment acd is on aws"):
        environment(of, provider=provider(of, kind="azurerm"))
    other = TerraformStack(app, "other")
    with pytest.raises(InputError, match=r"^provider: stands in stack 'other', and the environment in 'acd'"):
        environment(of, provider=provider(other))


def test_several_environments_may_ask_for_the_same_provider_and_not_for_different_ones() -> None:
    of = stack()
    one, far = environment(of), {"cloud": "aws", "region": "eu-west-1", "vpc_id": "vpc-0123456789abcdef0"}
    require_provider(of, one)
    require_provider(of, one)
    other = every_environment()["aws-small-v1-single"]
    require_provider(of, other)
    with pytest.raises(InputError, match=r"has provider-aws already, with .*eu-central-1.* needs .*eu-west-1"):
        require_provider(of, Environment.build({**other.model_dump(include={"name", "redundant"}), "platform": far}))
    with pytest.raises(InputError, match="require_provider: a stack is needed, not a JtelEnvironment"):
        require_provider(one, one)
