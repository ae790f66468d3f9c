"""Serves a store over HTTPS on loopback, as the azurerm provider and Azure's SDK ask for it."""

from __future__ import annotations

import base64
import datetime
import ipaddress
import json
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Lock, Thread
from typing import Any
from urllib.parse import unquote, urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from .store import RefusedError, Store

SUBSCRIPTION, TENANT, CLIENT = (f"00000000-0000-0000-0000-00000000000{digit}" for digit in (1, 2, 3))
_HOST = "127.0.0.1"


class AzureServer:
    """What `azure_api` gives.

    Attributes:
        store: the resources.
        environ: the variables with which the azurerm provider, and Azure's SDK, get in.
        url: of the server.
    """

    def __init__(self, url: str, certificate: Path) -> None:
        self.store, self.url = Store(), url
        self.environ: Mapping[str, str] = {
            "ARM_METADATA_HOSTNAME": url.removeprefix("https://"),
            "ARM_SUBSCRIPTION_ID": SUBSCRIPTION,
            "ARM_TENANT_ID": TENANT,
            "ARM_CLIENT_ID": CLIENT,
            "ARM_CLIENT_SECRET": "no-secret",
            "ARM_USE_CLI": "false",
            "ARM_RESOURCE_PROVIDER_REGISTRATIONS": "none",
            "SSL_CERT_FILE": str(certificate),
        }

    def resource_group(self, name: str, location: str = "westeurope") -> None:
        """Make a resource group."""
        self.store.put(f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{name}", {"location": location})


@contextmanager
def azure_api(folder: Path, after: Callable[[Store], None] = lambda store: None) -> Iterator[AzureServer]:
    """A subscription without anything in it, for as long as the block lasts.

    Args:
        folder: for the certificate.
        after: called after each write, before the next request.
    """
    key, certificate = _certificate(folder)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server = _Server((_HOST, 0), _Handler)
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    server.azure = AzureServer(f"https://{_HOST}:{server.server_port}", certificate)
    server.after = after
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server.azure
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Server(ThreadingHTTPServer):
    azure: AzureServer
    after: Callable[[Store], None]
    request_queue_size = 128
    daemon_threads = True
    lock = Lock()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Nothing: a client may hang up as it likes."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def log_message(self, format: str, *arguments: Any) -> None:
        pass

    def _serve(self) -> None:
        raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path = unquote(urlsplit(self.path).path).replace("//", "/").rstrip("/")
        try:
            with self.server.lock:
                status, body = self._answer(path, raw)
                if self.command != "GET":
                    self.server.after(self.server.azure.store)
        except RefusedError as error:
            status, body = error.status, {"error": {"code": error.code, "message": str(error), "details": []}}
        content = b"" if body is None else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json; charset=utf-8")
        self.send_header("Content-Length", str(len(content)))
        if self.command != "GET":
            # understood by the provider's SDK alone: it need not wait before it looks
            self.send_header("X-Go-Azure-Sdk-Skip-Polling-Delay", "true")
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_PUT = do_DELETE = do_POST = _serve

    def _answer(self, path: str, raw: bytes) -> tuple[int, Any]:
        store = self.server.azure.store
        if path == "/metadata/endpoints":
            return 200, _endpoints(self.server.azure.url)
        if path.endswith("/token"):
            return 200, {"token_type": "Bearer", "expires_in": 86399, "access_token": _token()}
        if self.command == "GET" and len(path.split("/")) % 2 == 0:
            above, _, kind = path.rpartition("/")
            if kind == "resources":
                return 200, {"value": []}
            above = above.removesuffix("/providers/Microsoft.Network")
            return 200, {"value": [store.get(found["id"]) for _, found in list(store.of_type(kind, f"{above}/"))]}
        if self.command == "GET":
            return 200, store.get(path)
        if self.command == "PUT":
            made, found = store.put(path, json.loads(raw))
            return 201 if made else 200, found
        if self.command == "DELETE":
            return 200 if store.delete(path) else 204, None
        raise RefusedError("MethodNotAllowed", f"{self.command} {path} is not served here", 405)


def _endpoints(url: str) -> dict[str, Any]:
    """A cloud's own description, in the form 2022-09-01; services that nobody asks have names that do not resolve."""
    authentication = {"loginEndpoint": url, "audiences": [url], "tenant": "common", "identityProvider": "AAD"}
    suffixes = {"storage": "storage.invalid", "keyVaultDns": "vault.invalid"}
    graph = f"{url}/graph"
    return {
        "name": "Loopback",
        "resourceManager": url,
        "microsoftGraphResourceId": graph,
        "authentication": authentication,
        "suffixes": suffixes,
    }


def _token() -> str:
    now = int(time.time())
    claims = {"iss": "loopback", "iat": now, "exp": now + 86400, "appid": CLIENT, "oid": CLIENT, "tid": TENANT}
    parts = [json.dumps(part).encode() for part in ({"alg": "none", "typ": "JWT"}, claims)]
    return ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts) + "."


def _certificate(folder: Path) -> tuple[Path, Path]:
    """A key and a certificate of its own for the loopback address, as files."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, _HOST)])
    now = datetime.datetime.now(datetime.UTC)
    alternative = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(_HOST))])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=2))
        .add_extension(alternative, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    key_file, certificate_file = folder / "key.pem", folder / "certificate.pem"
    form = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    key_file.write_bytes(key.private_bytes(serialization.Encoding.PEM, *form))
    certificate_file.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    return key_file, certificate_file
