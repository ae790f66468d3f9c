"""Plain calls of an OpenStack API: what is said in the request, and nothing that a client library adds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from keystoneauth1.adapter import Adapter
from keystoneauth1.identity.v3 import Password
from keystoneauth1.session import Session


class ApiError(Exception):
    """An answer of 400 or above.

    Attributes:
        status: the HTTP status.
        kind: the service's own word for it, such as ``OverQuota``; empty where it gives none.
    """

    def __init__(self, request: str, status: int, kind: str, message: str) -> None:
        self.status = status
        self.kind = kind
        super().__init__(f"{request}: {status} {kind}: {message}")


class Api:
    """One service of a cloud, found in the catalog of the project that the variables name.

    Args:
        os_variables: ``OS_AUTH_URL``, ``OS_USERNAME``, ``OS_PASSWORD``, ``OS_PROJECT_NAME``, ``OS_REGION_NAME`` and
            the two domain names.
        service: the service's type in the catalog: ``network`` or ``identity``.
    """

    def __init__(self, os_variables: Mapping[str, str], service: str) -> None:
        auth = Password(
            auth_url=os_variables["OS_AUTH_URL"],
            username=os_variables["OS_USERNAME"],
            password=os_variables["OS_PASSWORD"],
            project_name=os_variables["OS_PROJECT_NAME"],
            user_domain_name=os_variables["OS_USER_DOMAIN_NAME"],
            project_domain_name=os_variables["OS_PROJECT_DOMAIN_NAME"],
        )
        session = Session(auth=auth)
        session.session.trust_env = False  # no proxy between the tests and this machine
        self.region = os_variables["OS_REGION_NAME"]
        self._adapter = Adapter(session, service_type=service, interface="public", region_name=self.region)

    def call(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """The answer's JSON; None where the answer has no body.

        Raises:
            ApiError: the service refused.
        """
        answer = self._adapter.request(path, method, json=body, raise_exc=False)
        if answer.status_code >= 400:
            raise _error(f"{method} {path}", answer)
        return answer.json() if answer.content else None


def _error(request: str, answer: Any) -> ApiError:
    """The error that Networking (``NeutronError``) or Identity (``error``) put into its answer, or the raw text."""
    try:
        data = answer.json()
        detail = data.get("NeutronError") or data["error"]
        return ApiError(request, answer.status_code, detail.get("type") or detail["title"], detail["message"])
    except (ValueError, KeyError, TypeError, AttributeError):
        return ApiError(request, answer.status_code, "", answer.text)
