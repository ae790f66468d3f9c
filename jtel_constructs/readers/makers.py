"""What else may make rules of the environment's groups: whatever is given one of them and is not known to be harmless.

Resources can open a group without being a rule: Cloud Control, CloudFormation and ARM templates, azapi, Heat, resources
of any other provider, a provisioner. So the question is not what makes rules, but what is known to make none.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from jtel_constructs.readers.documents import Document, Resource
from jtel_constructs.readers.groups import Groups
from jtel_constructs.readers.values import Expression, Ref, Unknown, Vague, origins_of

# providers whose resources do what their own type says, and no more; of some of their types that is anything at all
_PLAIN = re.compile(r"(aws|azurerm|openstack|random|time|tls|local|archive|cloudinit)_.*")
_ANYTHING = re.compile(
    r"aws_(cloudcontrolapi|cloudformation|servicecatalog|ssm_(document|association)|lambda_invocation|emr)_?.*"
    r"|azurerm_.*template.*|azurerm_(automation|logic_app|resource_deployment).*|openstack_orchestration_.*"
)
# types that are given a group and make no rule: each only stores it, marks it, watches it or says who may change it
# (provider documentation)
_HARMLESS = frozenset(
    {
        "aws_cloudwatch_dashboard",
        "aws_cloudwatch_event_rule",
        "aws_cloudwatch_log_metric_filter",
        "aws_cloudwatch_metric_alarm",
        "aws_ec2_tag",
        "aws_flow_log",
        "aws_iam_group_policy",
        "aws_iam_policy",
        "aws_iam_role_policy",
        "aws_iam_user_policy",
        "aws_resourcegroups_group",
        "aws_route53_record",
        "aws_s3_bucket_object",
        "aws_s3_object",
        "aws_secretsmanager_secret_version",
        "aws_ssm_parameter",
        "azurerm_key_vault_secret",
        # they say who may do something, which is no doing
        "azurerm_pim_active_role_assignment",
        "azurerm_pim_eligible_role_assignment",
        "azurerm_role_assignment",
        "azurerm_portal_dashboard",
        "azurerm_management_lock",
        "azurerm_monitor_activity_log_alert",
        "azurerm_monitor_diagnostic_setting",
        "azurerm_monitor_metric_alert",
        "azurerm_network_watcher_flow_log",
        "local_file",
        "local_sensitive_file",
        "openstack_dns_recordset_v2",
        "openstack_keymanager_secret_v1",
        "openstack_objectstorage_object_v1",
    }
)
# attributes of any resource that change no port, whatever they name
_TEXTS = frozenset({"tags", "tags_all", "labels", "description", "comment"})
# attributes in which a group is a source, so that it lets its members in somewhere else
_SOURCES = frozenset(
    {
        "source_security_group_id",
        "source_security_group_ids",
        "source_security_group",
        "referenced_security_group_id",
        "remote_group_id",
        "source_application_security_group_ids",
        "input_security_groups",
    }
)
# what a resource says of itself, and in which another group's name or id is no mention of it
_OWN = frozenset({"id", "arn", "name", "name_prefix", "hostname", "computer_name"})
# attributes of a group that do not name it
_SAYS_NOTHING = frozenset(
    {"vpc_id", "owner_id", "tags", "tags_all", "region", "location", "resource_group_name", "tenant_id", "description"}
)
# resources that only pass a value on
_PASSING = frozenset({"terraform_data", "null_resource", "random_string", "time_static"})


class Makers:
    """What of a file may make rules of some groups.

    Args:
        ours: the keys of the groups.
        groups: where their names and ids are.
        handled: attributes that attach groups, which are read elsewhere.
    """

    def __init__(
        self, document: Document, ours: Collection[str], groups: tuple[Groups, ...], handled: frozenset[str]
    ) -> None:
        self._document, self._ours = document, frozenset(ours)
        self._handled = handled
        names = {some.names[key]: key for some in groups for key in self._ours if key in some.names}
        ids = {identity: key for some in groups for identity, key in some.aliases.items() if key in self._ours}
        self._names, self._ids = self._searched(names, 0), self._searched(ids, 0)
        fold = any(some.cloud != "aws" for some in groups)
        self._fold = str.lower if fold else str
        self._by_text = {self._fold(text): key for text, key in (*names.items(), *ids.items())}

    def _searched(self, texts: Mapping[str, str], flags: int) -> re.Pattern[str] | None:
        if not texts:
            return None
        every = "|".join(sorted(map(re.escape, texts), key=len, reverse=True))
        return re.compile(rf"(?<![\w.-])(?:{every})(?![\w-])", flags | re.IGNORECASE)

    def found(self, known: frozenset[str]) -> Iterator[tuple[Resource, frozenset[str], bool]]:
        """The resources that may make rules, with the groups of which, and whether by what they run.

        Args:
            known: types of groups, of their rules, and of what attaches them.
        """
        for resource in self._document.resources:
            # what is read elsewhere, or makes no rules, may yet run what does
            run = resource.values.get("provisioner")
            own = frozenset({resource.address}) & self._ours if run else frozenset[str]()
            if by_running := own or frozenset(self._in(run, False)):
                yield resource, by_running, True
                continue
            if resource.type in known or resource.type in _HARMLESS:
                continue
            plain = _PLAIN.fullmatch(resource.type) is not None and not _ANYTHING.fullmatch(resource.type)
            dynamic = [content for _, content in resource.dynamic]
            if named := frozenset(self._in([resource.values, *dynamic], plain)):
                yield resource, named, False

    def of_module(self, body: Any) -> frozenset[str]:
        """The groups that a call of a module is given."""
        return frozenset(self._in(body, False))

    def _in(self, value: Any, plain: bool, key: str = "") -> Iterator[str]:
        """The groups that a value may name."""
        if isinstance(value, Mapping):
            for name, one in value.items():
                if name in _TEXTS or name in _SOURCES or (plain and (name in self._handled or name in _OWN)):
                    continue
                yield from self._in(one, plain, str(name))
        elif isinstance(value, list | tuple):
            for one in value:
                yield from self._in(one, plain, key)
        elif isinstance(value, Ref):
            if value.attribute not in _SAYS_NOTHING:
                yield from self._from(frozenset({value.address}))
        elif isinstance(value, Expression | Unknown):
            if isinstance(value, Expression):
                yield from self._in_text(value.text, plain, key)
            origins = origins_of(value)
            # what may come from anywhere: to what only does what its type says, it need not be a group at all
            vague = plain and "security_group" not in key
            if origins is not None and not (vague and isinstance(origins, Vague)):
                yield from self._from(origins)
            elif origins is None:
                text = value.text if isinstance(value, Expression) else ""
                named = [key for key in self._ours if re.search(rf"(?<![\w.-]){re.escape(key)}(?![\w-])", text)]
                foreign = isinstance(value, Expression) and value.foreign
                yield from named or (() if vague or foreign else self._ours)
        elif isinstance(value, str):
            yield from self._in_text(value, plain, key)

    def _from(self, addresses: frozenset[str], seen: frozenset[str] = frozenset()) -> Iterator[str]:
        for address in addresses - seen:
            if address in self._ours:
                yield address
                continue
            resource = self._document.by_address.get(address)
            if resource is not None and resource.type in _PASSING:
                yield from self._from(origins_of(resource.values) or frozenset(), seen | addresses)

    def _in_text(self, value: str, plain: bool, key: str) -> Iterator[str]:
        patterns = [self._ids]
        if not plain or "security_group" in key:
            patterns.append(self._names)
        for pattern in patterns:
            for match in pattern.finditer(value) if pattern else ():
                if (found := self._by_text.get(self._fold(match[0]))) is not None:
                    yield found
