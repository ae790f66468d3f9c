"""Azure Resource Manager, as far as a reader of security groups asks it, on this machine's loopback.

Answers have the form of the Azure REST API of Microsoft.Network (api-version 2024-05-01 and later). The server checks
what the real one checks of a reader: HTTPS, a token that it gave, the subscription and the resource group.
"""

from __future__ import annotations

import json
import re
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

SUBSCRIPTION, TENANT, CLIENT = (f"{digit * 8}-1111-2222-3333-444444444444" for digit in "abc")
SECRET, TOKEN = "loopback", "given-by-the-loopback"
FOLDER = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-jtel/providers/Microsoft.Network"
NETWORK = f"{FOLDER}/virtualNetworks/vnet"
SUBNET = f"{NETWORK}/subnets/apps"


_PATH = re.compile(r"/subscriptions/([^/]+)(?:/resourceGroups/([^/]+))?/providers/Microsoft\.Network/(.*)")


class Refused(Exception):
    """An answer in Azure's error form: status, code, message."""


class Arm(ThreadingHTTPServer):
    """The server, and what it knows.

    Attributes:
        resources: by id.
        effective: for the name of an interface, what Azure makes of it; an error's status, code and message instead.
        admin: pages of effective admin rules of the virtual network, or an error.
        refused: parts of paths that are answered with 403.
    """

    daemon_threads = True

    def __init__(self, folder: Path) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.resources: dict[str, Any] = {}
        self.effective: dict[str, Any] = {}
        self.admin: Any = [[]]
        self.refused: list[str] = []
        certificate = _certificate(folder)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        self.socket = context.wrap_socket(self.socket, server_side=True)
        self.base = f"https://127.0.0.1:{self.server_port}"
        self.environ = {
            "ARM_METADATA_HOSTNAME": f"127.0.0.1:{self.server_port}",
            "ARM_SUBSCRIPTION_ID": SUBSCRIPTION,
            "ARM_TENANT_ID": TENANT,
            "ARM_CLIENT_ID": CLIENT,
            "ARM_CLIENT_SECRET": SECRET,
            "SSL_CERT_FILE": str(certificate),
        }

    def put(self, kind: str, name: str, location: str = "westeurope", **properties: Any) -> dict[str, Any]:
        """Put a resource into the resource group."""
        identity = f"{FOLDER}/{kind}/{name}"
        found = {"id": identity, "name": name.rpartition("/")[2], "location": location}
        found["properties"] = {"provisioningState": "Succeeded", **properties}  # type: ignore[assignment]
        self.resources[identity] = found
        return found


@contextmanager
def running(folder: Path) -> Iterator[Arm]:
    """A server that runs."""
    server = Arm(folder)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _certificate(folder: Path) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), now, now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / "loopback.pem"
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(secret + made.public_bytes(serialization.Encoding.PEM))
    return path


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Arm

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        self._answer("GET")

    def do_POST(self) -> None:
        self._answer("POST")

    def _answer(self, method: str) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = urlsplit(self.path)
        try:
            status, answer = 200, self._login(parts.path, body) or self._resource(method, parts.path, body)
        except Refused as refused:
            status, code, message = refused.args
            answer = {"error": {"code": code, "message": message}}
            if "error" in code:
                answer = {"error": code, "error_description": message}
        text = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def _login(self, path: str, body: bytes) -> Any:
        base = self.server.base
        if path == "/metadata/endpoints":
            login = {"loginEndpoint": base, "audiences": [base], "tenant": "common", "identityProvider": "AAD"}
            return {"resourceManager": base, "authentication": login}
        if path.endswith("/.well-known/openid-configuration"):
            root = f"{base}/{TENANT}/oauth2/v2.0"
            ends = {f"{name}_endpoint": f"{root}/{name}" for name in ("token", "authorization")}
            return {**ends, "issuer": f"{base}/{TENANT}/v2.0"}
        if path.endswith("/oauth2/v2.0/token"):
            form = {key: values[0] for key, values in parse_qs(body.decode()).items()}
            if (form.get("client_id"), form.get("client_secret")) != (CLIENT, SECRET):
                raise Refused(
                    401, "invalid_client error", "AADSTS7000215: Invalid client secret provided.\r\nTrace ID: 1"
                )
            return {"token_type": "Bearer", "expires_in": 3600, "access_token": TOKEN}
        if self.headers.get("Authorization") != f"Bearer {TOKEN}":
            raise Refused(401, "AuthenticationFailed", "Authentication failed.")
        return None

    def _resource(self, method: str, path: str, body: bytes) -> Any:
        if any(part in path for part in self.server.refused):
            raise Refused(403, "AuthorizationFailed", "The client does not have authorization to perform action.")
        match = _PATH.fullmatch(path)
        if not match or match[1] != SUBSCRIPTION:
            raise Refused(404, "SubscriptionNotFound", f"The subscription of {path} could not be found.")
        if match[2] and match[2].lower() != "rg-jtel":
            raise Refused(404, "ResourceGroupNotFound", f"Resource group '{match[2]}' could not be found.")
        rest = match[3].split("/")
        if method == "POST":
            return self._action(rest, body)
        if len(rest) == 1:
            return {
                "value": [
                    one for key, one in self.server.resources.items() if f"/{rest[0]}/" in key and key.count("/") == 8
                ]
            }
        found = {key.lower(): one for key, one in self.server.resources.items()}.get(path.lower())
        if found is None:
            raise Refused(404, "ResourceNotFound", f"The Resource '{match[3]}' was not found.")
        return found

    def _action(self, rest: list[str], body: bytes) -> Any:
        if rest[-1] == "effectiveNetworkSecurityGroups":
            answer = self.server.effective.get(rest[1], (400, "NicNotAttachedToRunningVM", "The machine does not run."))
        elif rest[-1] == "listNetworkManagerEffectiveSecurityAdminRules":
            answer = self.server.admin
            if isinstance(answer, list):
                page = int(json.loads(body or b"{}").get("skipToken") or 0)
                more = {"skipToken": str(page + 1)} if page + 1 < len(answer) else {}
                return {"value": answer[page], **more}
        else:
            raise Refused(404, "InvalidAction", rest[-1])
        if isinstance(answer, tuple):
            raise Refused(*answer)
        return {"value": answer}
