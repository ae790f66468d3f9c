"""Where the groups of a file are, held against where the environment's platform says that they are.

Where a file does not say it, nothing is guessed: a region that is not set comes from a variable such as AWS_REGION. A
VPC is in one region and one account alone, so its id settles both.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from jtel_constructs.policy import AwsPlatform, AzurePlatform, Environment, OpenStackPlatform, is_token
from jtel_constructs.readers.differences import Difference, Kind, fault, untold
from jtel_constructs.readers.documents import Document, Resource
from jtel_constructs.readers.values import Expression, Ref, Unknown, shown
from jtel_constructs.wording import few

# arn:partition:ec2:region:account:security-group/id (AWS general reference, "Amazon Resource Names")
_ARN = re.compile(r"arn:[a-z-]+:[a-z0-9-]+:([a-z0-9-]*):([0-9]*):.+")
_SUBSCRIPTION = re.compile(r"/subscriptions/([^/]+)/resourceGroups/([^/]+)/.*", re.IGNORECASE)


class Places:
    """Where the groups of one file are.

    Args:
        groups: the environment's own groups.
        rules: separate rules of theirs, by the group that each belongs to.
    """

    def __init__(
        self, environment: Environment, document: Document, groups: Iterable[Resource], rules: Iterable[Resource] = ()
    ) -> None:
        self._environment, self._document = environment, document
        self._groups, self._rules = list(groups), list(rules)

    def differences(self) -> Iterator[Difference]:
        """Groups that are somewhere else, and those of which it cannot be told."""
        platform = self._environment.platform
        if isinstance(platform, AwsPlatform):
            found = self._aws(platform)
        elif isinstance(platform, AzurePlatform):
            found = self._azure(platform)
        else:
            found = self._openstack(platform)
        # one line for all groups of which the same is wrong
        alike: dict[tuple[Kind, str], list[Difference]] = {}
        for one in found:
            alike.setdefault((one.kind, one.message.removeprefix(f"{one.because[0]}: ")), []).append(one)
        for (_, message), some in alike.items():
            because = tuple(dict.fromkeys(where for one in some for where in one.because))
            yield replace(some[0], because=because, message=f"{few(because, 1)}: {message}")

    # -- AWS ---------------------------------------------------------------------------------------------------------

    def _aws(self, platform: AwsPlatform) -> Iterator[Difference]:
        for group in self._groups:
            vpc = group.values.get("vpc_id")
            region = region_of(group)
            known = vpc == platform.vpc_id or is_token(platform.vpc_id)
            if isinstance(vpc, Unknown) and not _sets(group, "vpc_id"):
                vpc = None
            if not is_token(platform.vpc_id):
                if vpc in (None, ""):
                    # provider documentation, aws_security_group: "Defaults to the region's default VPC"
                    yield _wrong(
                        group, f"it sets no vpc_id, so it goes to the default VPC and not to {platform.vpc_id}"
                    )
                elif isinstance(vpc, str) and vpc != platform.vpc_id:
                    yield _wrong(group, f"it is in {vpc}, and platform.vpc_id is {platform.vpc_id}")
                elif not isinstance(vpc, str):
                    yield self._untold(group, f"which VPC it is in (vpc_id is {shown(vpc)})")
            if is_token(platform.region):
                continue
            if isinstance(region, str):
                if region != platform.region:
                    yield _wrong(group, f"it is in the region {region}, and platform.region is {platform.region}")
            elif not known:
                yield self._untold(group, f"which region it is in{_said(region)}")
        yield from self._one(self._groups, "account", _account)
        yield from self._rules_elsewhere()

    # -- Azure -------------------------------------------------------------------------------------------------------

    def _azure(self, platform: AzurePlatform) -> Iterator[Difference]:
        for group in self._groups:
            for key, wanted, fold in (
                ("location", platform.location, _location),
                ("resource_group_name", platform.resource_group, str.lower),
            ):
                value = self._document.literal(group.values.get(key))
                if is_token(wanted):
                    continue
                if not isinstance(value, str) or not value:
                    yield self._untold(group, f"its {key} ({key} is {shown(value)})")
                elif fold(value) != fold(wanted):
                    yield _wrong(group, f"its {key} is {value}, and the platform's is {wanted}")
            if platform.subscription_id is None or is_token(platform.subscription_id):
                continue
            subscription, asked = subscription_of(group), platform.subscription_id
            if not isinstance(subscription, str):
                yield self._untold(group, f"which subscription it is in{_said(subscription)}")
            elif subscription.lower() != asked.lower():
                yield _wrong(group, f"it is in the subscription {subscription}, and the platform's is {asked}")
        yield from self._one(self._groups, "subscription", subscription_of)

    # -- OpenStack ---------------------------------------------------------------------------------------------------

    def _openstack(self, platform: OpenStackPlatform) -> Iterator[Difference]:
        for group in self._groups:
            region, cloud = region_of(group), _of_provider(group, "cloud")
            if platform.region is not None:
                if isinstance(region, str) and region != platform.region:
                    yield _wrong(group, f"it is in the region {region}, and platform.region is {platform.region}")
                elif not isinstance(region, str) and _shows(group):
                    yield self._untold(group, f"which region it is in{_said(region)}")
            if platform.cloud_name is not None and isinstance(cloud, str) and cloud != platform.cloud_name:
                yield _wrong(
                    group, f"its provider uses the cloud {cloud}, and platform.cloud_name is {platform.cloud_name}"
                )
            if group.configured is not None and "tenant_id" in group.configured:
                # provider documentation: "Required for admin users creating groups for other tenants"
                tenant = shown(group.values.get("tenant_id"))
                yield self._untold(
                    group, f"whether it is in the project of the credentials: it sets tenant_id to {tenant}"
                )
        yield from self._one(self._groups, "region", region_of)
        yield from self._one(self._groups, "project", lambda group: group.values.get("tenant_id"))
        yield from self._rules_elsewhere()

    # -- what they have in common ------------------------------------------------------------------------------------

    def _rules_elsewhere(self) -> Iterator[Difference]:
        """Rules whose region is none of their group's: the cloud has no such group there, so they are never made."""
        platform = self._environment.platform
        regions = {region for group in self._groups if isinstance(region := region_of(group), str)}
        if (
            not regions
            and not isinstance(platform, AzurePlatform)
            and platform.region
            and not is_token(platform.region)
        ):
            regions = {platform.region}
        for rule in self._rules:
            region = region_of(rule)
            if not isinstance(region, str) or region in regions:
                continue
            if regions:
                here = " and ".join(sorted(regions))
                yield _wrong(rule, f"it is in the region {region}, and its group in {here}, where it cannot be made")
            else:
                yield self._untold(rule, f"whether its group is in the region {region} as it is")

    def _one(self, groups: list[Resource], what: str, of: Callable[[Resource], object]) -> Iterator[Difference]:
        """Groups of one environment are in one place, wherever that is."""
        found: dict[str, list[str]] = {}
        for group in groups:
            if isinstance(value := of(group), str) and value:
                found.setdefault(value, []).append(group.address)
        if len(found) > 1:
            text = "; ".join(f"{value}: {', '.join(sorted(some)[:3])}" for value, some in sorted(found.items()))
            where = min(found.items(), key=lambda item: (len(item[1]), item[0]))[1][0]
            yield fault(Kind.PLACE, where, f"the groups are not all in one {what}: {text}")

    def _untold(self, group: Resource, what: str) -> Difference:
        return untold(group.address, f"it cannot be told {what}", settle=self._document.settle)


def elsewhere(environment: Environment, document: Document, group: Resource) -> bool:
    """Whether a group surely is not where the environment's groups are."""
    platform = environment.platform
    facts: list[tuple[object, str | None]]
    if isinstance(platform, AwsPlatform):
        facts = [(group.values.get("vpc_id"), platform.vpc_id), (region_of(group), platform.region)]
    elif isinstance(platform, AzurePlatform):
        folder = document.literal(group.values.get("resource_group_name"))
        facts = [(folder, platform.resource_group), (subscription_of(group), platform.subscription_id)]
    else:
        facts = [(region_of(group), platform.region)]
    return any(
        isinstance(found, str) and found and wanted and not is_token(wanted) and found.lower() != wanted.lower()
        for found, wanted in facts
    )


def region_of(resource: Resource) -> object:
    """The region of a resource: its own (AWS from 6.0 on, OpenStack), that of its ARN, or its provider's.

    Text where it is known; None where nothing says it.
    """
    own = resource.values.get("region")
    if isinstance(own, str) and own:
        return own
    if own is not None and _sets(resource, "region"):
        return own
    arn = resource.values.get("arn")
    if isinstance(arn, str) and (match := _ARN.fullmatch(arn)) and match[1]:
        return match[1]
    return _of_provider(resource, "region")


def _of_provider(resource: Resource, key: str) -> object:
    return resource.provider.values.get(key) if resource.provider else None


def _shows(resource: Resource) -> bool:
    """Whether the file shows how the resource's provider is configured."""
    return resource.provider is not None and resource.provider.shown


def _account(group: Resource) -> object:
    owner = group.values.get("owner_id")
    return owner if isinstance(owner, str) and owner else None


def subscription_of(group: Resource) -> object:
    """The subscription of a resource: by its id, or else its provider's; None where nothing says it."""
    identity = group.values.get("id")
    if isinstance(identity, str) and (match := _SUBSCRIPTION.fullmatch(identity)):
        return match[1].lower()
    value = _of_provider(group, "subscription_id")
    return value.lower() if isinstance(value, str) else value


def _location(value: str) -> str:
    """Azure's locations are the same in any case and with blanks (provider: location.Normalize)."""
    return value.lower().replace(" ", "")


def _sets(resource: Resource, key: str) -> bool:
    return resource.configured is None or key in resource.configured


def _said(value: object) -> str:
    return (
        f" ({shown(value)})" if isinstance(value, Ref | Expression | Unknown) else ", for nothing in the file says it"
    )


def _wrong(group: Resource, message: str) -> Difference:
    return fault(Kind.PLACE, group.address, f"{group.address}: {message}")
