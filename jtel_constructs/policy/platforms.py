"""Where an environment runs: the cloud, its place in it, and where Terraform keeps its state."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, WithJsonSchema

from jtel_constructs.matrix.model import Text
from jtel_constructs.matrix.records import Record

_TOKEN = re.compile(r"\$\{TfToken\[[^\]{}]+\]\}")


def is_token(value: object) -> bool:
    """Whether a text stands for a value that only the deployment knows (a CDKTF token)."""
    return isinstance(value, str) and _TOKEN.fullmatch(value) is not None


def _pattern(regex: str, what: str) -> tuple[AfterValidator, WithJsonSchema]:
    compiled = re.compile(regex)

    def check(value: str) -> str:
        if not is_token(value) and not compiled.fullmatch(value):
            raise ValueError(f"{value!r} is no {what}")
        return value

    return AfterValidator(check), WithJsonSchema({"type": "string", "pattern": f"^{regex}$"})


_Region = Annotated[str, *_pattern(r"[a-z]{2}(-[a-z]+)+-[0-9]{1,2}", "AWS region such as eu-central-1")]
_VpcId = Annotated[str, *_pattern(r"vpc-[0-9a-f]{8,17}", "VPC id such as vpc-0123456789abcdef0")]
_Location = Annotated[str, *_pattern(r"[A-Za-z][A-Za-z0-9 ]{2,40}", "Azure location such as westeurope")]
_ResourceGroup = Annotated[
    str,
    *_pattern(
        r"[A-Za-z0-9_.()-]{0,89}[A-Za-z0-9_()-]",
        "resource group name (1 to 90 letters, digits, . _ - and parentheses, no full stop at the end)",
    ),
]
_Subscription = Annotated[
    str, *_pattern(r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}", "subscription id (a UUID)")
]
_OsName = Annotated[str, *_pattern(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,254}", "name (letters, digits, _ . -)")]


class AwsPlatform(Record):
    """AWS: the groups are made in one VPC.

    Attributes:
        region: such as ``eu-central-1``.
        vpc_id: such as ``vpc-0123456789abcdef0``, or a token.
    """

    cloud: Literal["aws"] = "aws"
    region: _Region
    vpc_id: _VpcId


class AzurePlatform(Record):
    """Azure: network and application security groups in one resource group.

    Attributes:
        location: such as ``westeurope``, or a token.
        resource_group: name of an existing resource group, or a token.
        subscription_id: a UUID; left out, ARM_SUBSCRIPTION_ID says it at deployment.
    """

    cloud: Literal["azure"] = "azure"
    location: _Location
    resource_group: _ResourceGroup
    subscription_id: _Subscription | None = None


class OpenStackPlatform(Record):
    """OpenStack: groups in the project that the credentials name.

    Attributes:
        region: such as ``RegionOne``; left out, OS_REGION_NAME or clouds.yaml says it.
        cloud_name: an entry of clouds.yaml; left out, the OS_* variables hold the credentials.
        address_groups: put the blocks of each peer into an address group, so that a rule counts once however many
            blocks the peer has. Needs provider 3.2 and the Neutron extension.
    """

    cloud: Literal["openstack"] = "openstack"
    region: _OsName | None = None
    cloud_name: _OsName | None = None
    address_groups: bool = False


Platform = Annotated[AwsPlatform | AzurePlatform | OpenStackPlatform, Field(discriminator="cloud")]


def unnameable(here: Platform, there: Platform) -> str:
    """Why no rule of one platform can name a group of another one; empty where it can, or where that is not known.

    Facts: EC2 takes groups of the same VPC or of one that is peered with it in the same region (VPC peering guide,
    "Update your security groups to reference peer security groups"); all members of a rule's application security
    groups are in one virtual network, which is in one location (Azure, "Application security groups"); Neutron's groups
    are a region's own.
    """
    if here.cloud != there.cloud:
        return f"is on {there.cloud}, whose groups mean nothing on {here.cloud}"
    for key in ("region", "location", "cloud_name"):
        mine, its = getattr(here, key, None), getattr(there, key, None)
        if mine is None or its is None or is_token(mine) or is_token(its):
            continue
        if mine.replace(" ", "").lower() != its.replace(" ", "").lower():
            return f"is in {key} {its}, whose groups cannot be named in {mine}"
    return ""


class LocalBackend(Record):
    """State in a file. `path` is relative to the folder of the synthesized stack; default: CDKTF's own file."""

    type: Literal["local"]
    path: Text | None = None


class S3Backend(Record):
    """State in an S3 bucket. Credentials come from the AWS environment, never from this file."""

    type: Literal["s3"]
    bucket: Text
    key: Text
    region: Text
    encrypt: bool = True
    kms_key_id: Text | None = None
    dynamodb_table: Text | None = None
    profile: Text | None = None
    role_arn: Text | None = None


class AzurermBackend(Record):
    """State in an Azure storage container. Credentials come from the ARM_* variables or the Azure CLI."""

    type: Literal["azurerm"]
    storage_account_name: Text
    container_name: Text
    key: Text
    resource_group_name: Text | None = None
    subscription_id: Text | None = None
    tenant_id: Text | None = None


class HttpBackend(Record):
    """State behind an HTTP server. User and password come from TF_HTTP_USERNAME and TF_HTTP_PASSWORD."""

    type: Literal["http"]
    address: Text
    lock_address: Text | None = None
    unlock_address: Text | None = None
    lock_method: Literal["LOCK", "POST", "PUT"] | None = None
    unlock_method: Literal["UNLOCK", "POST", "DELETE"] | None = None
    update_method: Literal["POST", "PUT"] | None = None


class CloudBackend(Record):
    """State in Terraform Cloud (HCP Terraform). The token comes from `terraform login` or TF_TOKEN_*."""

    type: Literal["cloud"]
    organization: Text
    workspace: Text
    hostname: Text | None = None


Backend = Annotated[LocalBackend | S3Backend | AzurermBackend | HttpBackend | CloudBackend, Field(discriminator="type")]
