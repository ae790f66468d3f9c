"""What an environment becomes in Terraform: the JSON that the CDK would synthesize, and a proof's reading of it.

No file, no node. A test holds the JSON against what the CDK writes, for every cloud and topology.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from jtel_constructs.clouds import cloud_of
from jtel_constructs.clouds.terraform_json import fragment, terraform_value
from jtel_constructs.policy import RuleSet
from jtel_constructs.readers import Snapshot, read_content


def stack_content(ruleset: RuleSet) -> dict[str, Any]:
    """The resources, the output, the provider and what moved, as they stand in the environment's `cdk.tf.json`.

    Raises:
        LimitError, ExpressionError: the cloud does not take the environment.
    """
    environment = ruleset.environment
    cloud = cloud_of(environment)
    plan, provider = cloud.emit(ruleset), cloud.provider(environment)
    facts = {server.name: {"roles": list(server.roles), "os": server.system} for server in ruleset.servers}
    return {
        "provider": {provider.local_name: [terraform_value(provider.config)]},
        **fragment(plan.resources, plan.outputs, facts, environment.output),
    }


def emitted(ruleset: RuleSet) -> Snapshot:
    """The groups and rules that the environment's stack has, each with its Terraform address.

    Raises:
        LimitError, ExpressionError: the cloud does not take the environment.
    """
    environment = ruleset.environment
    return read_content(Path(environment.name), stack_content(ruleset), environment)
