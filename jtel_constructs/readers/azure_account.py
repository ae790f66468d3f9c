"""Getting to Azure Resource Manager: subscription, endpoint, credentials, and errors in one line.

The variables are those of Terraform's azurerm provider (ARM_*), or else whatever Azure's own SDK knows (AZURE_*, a
managed identity, `az login`).
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from jtel_constructs.errors import ToolError
from jtel_constructs.policy import AzurePlatform, is_token
from jtel_constructs.readers.live_common import one_line, sdk

_SECONDS = 10
_SECRET = ("ARM_TENANT_ID", "ARM_CLIENT_ID", "ARM_CLIENT_SECRET")
# Azure's documents: "Azure Government", "Azure operated by 21Vianet": resource manager, login
_ENVIRONMENTS = {
    "public": ("https://management.azure.com", "https://login.microsoftonline.com"),
    "usgovernment": ("https://management.usgovcloudapi.net", "https://login.microsoftonline.us"),
    "china": ("https://management.chinacloudapi.cn", "https://login.chinacloudapi.cn"),
}
_LOGIN = (
    "log in to Azure: set ARM_TENANT_ID, ARM_CLIENT_ID and ARM_CLIENT_SECRET, or the SDK's AZURE_* variables, or run "
    "`az login`"
)


@dataclass(frozen=True, slots=True)
class _Place:
    """Where Azure is: its resource manager, its login, and what tokens are asked for."""

    manager: str
    login: str
    audience: str
    known: bool = True


@contextmanager
def network_client(platform: AzurePlatform) -> Iterator[Any]:
    """A client of azure-mgmt-network's for the environment's subscription.

    Raises:
        ToolError: the SDK is not installed, there is no subscription or no credential, or, inside, the API does not
            answer or refuses.
    """
    for key in ("subscription_id", "resource_group", "location"):
        if is_token(getattr(platform, key)):
            raise ToolError(f"platform.{key} is known to the deployment alone; write the value itself to ask Azure")
    subscription = platform.subscription_id or _variable("ARM_SUBSCRIPTION_ID") or _variable("AZURE_SUBSCRIPTION_ID")
    if not subscription:
        raise ToolError("which subscription is not said: give platform.subscription_id, or set ARM_SUBSCRIPTION_ID")
    network, identity = sdk("azure.mgmt.network", "azure"), sdk("azure.identity", "azure")
    errors, requests = sdk("azure.core.exceptions", "azure"), sdk("requests", "azure")
    # the SDK writes its troubles to standard error as well, over many lines
    logging.getLogger("azure").setLevel(logging.CRITICAL)
    try:
        place = _place(requests)
        options = {
            "connection_verify": _certificates(),
            "connection_timeout": _SECONDS,
            "read_timeout": 3 * _SECONDS,
            "retry_total": 2,
            "retry_backoff_factor": 0.4,
        }
        with (
            _credential(identity, place, options) as credential,
            network.NetworkManagementClient(
                credential, subscription, place.manager, credential_scopes=[f"{place.audience}/.default"], **options
            ) as client,
        ):
            yield client
    except errors.ClientAuthenticationError as error:
        raise ToolError(f"Azure takes none of the credentials: {_said(error)}; {_LOGIN}") from None
    except (errors.AzureError, requests.RequestException) as error:
        raise ToolError(f"Azure Resource Manager: {_said(error)}") from None
    except ValueError as error:
        # of azure-identity: a tenant that does not exist, a secret that is none
        raise ToolError(f"Azure's login: {_said(error)}; {_LOGIN}") from None


def _variable(name: str) -> str:
    return os.environ.get(name, "").strip()


def _certificates() -> str | bool:
    return _variable("REQUESTS_CA_BUNDLE") or _variable("SSL_CERT_FILE") or True


def _place(requests: Any) -> _Place:
    """Azure itself, one of its national clouds, or what ARM_METADATA_HOSTNAME describes (Azure Stack, tests)."""
    if host := _variable("ARM_METADATA_HOSTNAME"):
        url = f"https://{host}/metadata/endpoints?api-version=2022-09-01"
        answer = requests.get(url, timeout=_SECONDS, verify=_certificates())
        answer.raise_for_status()
        found = answer.json()
        found = found[0] if isinstance(found, list) else found
        login = found["authentication"]
        return _Place(found["resourceManager"], login["loginEndpoint"], login["audiences"][0].rstrip("/"), known=False)
    name = _variable("ARM_ENVIRONMENT") or "public"
    if name not in _ENVIRONMENTS:
        raise ToolError(f"ARM_ENVIRONMENT is {name!r}; allowed: {', '.join(_ENVIRONMENTS)}")
    manager, login = _ENVIRONMENTS[name]
    return _Place(manager, login, manager)


def _credential(identity: Any, place: _Place, options: dict[str, Any]) -> Any:
    more = {**options, "authority": place.login, "disable_instance_discovery": not place.known}
    secret = [_variable(name) for name in _SECRET]
    if all(secret):
        return identity.ClientSecretCredential(*secret, **more)
    # PowerShell takes seconds to say that it is not there
    return identity.DefaultAzureCredential(
        exclude_powershell_credential=True, exclude_developer_cli_credential=True, process_timeout=_SECONDS, **more
    )


def _said(error: BaseException) -> str:
    """The first line of what an SDK's error says, without its full stop."""
    lines = str(getattr(error, "message", "") or error).strip().splitlines()
    return one_line(Exception(lines[0] if lines else type(error).__name__)).rstrip(".;:")
