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
from time import time
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
    network = sdk("azure.mgmt.network", "azure")
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
        scope = f"{place.audience}/.default"
        with _logged_in(place, options, scope) as credential:
            more = {"credential_scopes": [scope], **options}
            with network.NetworkManagementClient(credential, subscription, place.manager, **more) as client:
                yield client
    except errors.ClientAuthenticationError as error:
        raise ToolError(f"Azure takes none of the credentials: {_said(error)}; {_LOGIN}") from None
    except (errors.AzureError, requests.RequestException, OSError) as error:
        raise ToolError(f"Azure Resource Manager: {_said(error)}") from None


def _variable(name: str) -> str:
    return os.environ.get(name, "").strip()


def _certificates() -> str | bool:
    """The certificates that the variables name; Terraform's variable first where Terraform's variables say where."""
    names = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE")
    found = [value for name in names[:: 1 if _variable("ARM_METADATA_HOSTNAME") else -1] if (value := _variable(name))]
    return found[0] if found else True


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


def _logged_in(place: _Place, options: dict[str, Any], scope: str) -> Any:
    """A credential that has given a token."""
    try:
        credential = _credential(place, options)
        credential.get_token(scope)
    except ValueError as error:
        # of azure-identity: a tenant that does not exist, a secret that is none, an authority that does not answer
        raise ToolError(f"Azure's login: {_said(error)}; {_LOGIN}") from None
    return credential


def _credential(place: _Place, options: dict[str, Any]) -> Any:
    secret = [_variable(name) for name in _SECRET]
    if all(secret) and not place.known:
        return _Grant(place, *secret)
    identity = sdk("azure.identity", "azure")
    more = {**options, "authority": place.login, "disable_instance_discovery": not place.known}
    if all(secret):
        return identity.ClientSecretCredential(*secret, **more)
    # PowerShell takes seconds to say that it is not there
    return identity.DefaultAzureCredential(
        exclude_powershell_credential=True, exclude_developer_cli_credential=True, process_timeout=_SECONDS, **more
    )


class _Grant:
    """A token for a client's secret (RFC 6749, 4.4), where ARM_METADATA_HOSTNAME says who gives it.

    The SDK would first look up that authority, and such places need not answer that; Terraform's provider does not ask.
    """

    def __init__(self, place: _Place, tenant: str, client: str, secret: str) -> None:
        self._url = f"{place.login.rstrip('/')}/{tenant}/oauth2/v2.0/token"
        self._form = {"grant_type": "client_credentials", "client_id": client, "client_secret": secret}

    def __enter__(self) -> _Grant:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing is kept open."""

    def get_token(self, *scopes: str, **_: Any) -> Any:
        """The token, as azure-core's protocol TokenCredential has it."""
        requests, core = sdk("requests", "azure"), sdk("azure.core.credentials", "azure")
        form = {**self._form, "scope": " ".join(scopes)}
        answer = requests.post(self._url, data=form, timeout=_SECONDS, verify=_certificates())
        try:
            found = answer.json()
        except ValueError:
            found = {}
        if "access_token" in found:
            return core.AccessToken(found["access_token"], int(time()) + int(found.get("expires_in", 0)))
        message = found.get("error_description") or f"{self._url} answers {answer.status_code} and gives no token"
        raise sdk("azure.core.exceptions", "azure").ClientAuthenticationError(message)


def _said(error: BaseException) -> str:
    """The first line of what an SDK's error says, without its full stop."""
    lines = str(getattr(error, "message", "") or error).strip().splitlines()
    return one_line(Exception(lines[0] if lines else type(error).__name__)).rstrip(".;:")
