"""Starts OpenStack Networking and Identity for real, on loopback, with throw-away databases.

Neutron with ML2 and no agents: everything about groups and rules is the real thing, only no packet is ever filtered.
"""

from __future__ import annotations

import base64
import http.client
import os
import secrets
import socket
import subprocess
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType

from keystoneauth1.exceptions import ClientException

from .api import Api, ApiError
from .installation import HERE, OpenStackServerError, log_end

REGION = "RegionOne"
_HOST = "127.0.0.1"
_START_SECONDS = 180  # the first start also compiles the byte code; on a busy machine that takes a while
_STOP_SECONDS = 10

# password_hash_rounds: the lowest cost of bcrypt, 1 ms instead of 250 ms for each password that is checked.
_IDENTITY_CONFIG = """\
[database]
connection = sqlite:///{directory}/identity.db
sqlite_synchronous = false
[fernet_tokens]
key_repository = {directory}/keys
[fernet_receipts]
key_repository = {directory}/keys
[identity]
password_hash_rounds = 4
"""

# transport_url: no message broker; what would go to agents is dropped inside the process.
_NETWORK_CONFIG = """\
[DEFAULT]
core_plugin = ml2
api_paste_config = {venv}/etc/neutron/api-paste.ini
state_path = {directory}
transport_url = fake://
rpc_workers = 0
rpc_state_report_workers = 0
notify_nova_on_port_status_changes = false
notify_nova_on_port_data_changes = false
[database]
connection = {database}
sqlite_synchronous = false
[keystone_authtoken]
auth_type = password
auth_url = {auth_url}
www_authenticate_uri = {auth_url}
interface = public
username = admin
password = {password}
project_name = admin
user_domain_id = default
project_domain_id = default
[quotas]
quota_security_group = {group_quota}
quota_security_group_rule = {rule_quota}
[ml2]
type_drivers = local
project_network_types = local
mechanism_drivers =
extension_drivers = {extensions}
"""


class OpenStackServer:
    """A cloud with nothing in it but Identity, Networking and the user ``admin``. Use it in a ``with`` block.

    Args:
        directory: a folder of its own, for databases, keys and logs.
        venv_folder: what `installation.ensure_venv` returned.
        group_quota: security groups that a project may have, its ``default`` included; -1 for no limit.
        rule_quota: the same for rules, all groups of a project together.
        extensions: of ML2, such as ``port_security``, which most clouds have.
    """

    def __init__(
        self,
        directory: Path,
        venv_folder: Path,
        *,
        group_quota: int = 10,
        rule_quota: int = 100,
        extensions: str = "",
    ) -> None:
        self._directory = directory
        self._venv = venv_folder
        self._quotas = {"group_quota": group_quota, "rule_quota": rule_quota, "extensions": extensions}
        self._password = secrets.token_hex(16)
        self._auth_url = ""
        self._processes: dict[str, subprocess.Popen[bytes]] = {}

    def __enter__(self) -> OpenStackServer:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Start both services and wait until they answer.

        Raises:
            OpenStackServerError: one of them ended or did not answer; nothing is left running.
        """
        # Both sockets are open before either service starts: nobody else can take a port in between, each service
        # can be told the other's address, and a request that comes too early waits instead of failing.
        with _listen() as identity, _listen() as network:
            ports = {"identity": identity.getsockname()[1], "network": network.getsockname()[1]}
            self._auth_url = f"http://{_HOST}:{ports['identity']}/v3"
            environments = self._configure()
            try:
                self._run("identity", identity, environments["identity"])
                self._run("network", network, environments["network"])
            except OSError as error:
                self.stop()
                raise OpenStackServerError(f"cannot run {self._venv}/bin/python: {error}") from error
        try:
            for name, port in ports.items():
                self._wait(name, port)
            self._fill(ports["network"])
        except (ApiError, ClientException) as error:
            self.stop()
            raise OpenStackServerError(f"the services do not work together: {error}{self._log_ends()}") from error
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """End the two processes that `start` made, and no other."""
        for process in self._processes.values():
            assert process.stdin is not None
            process.stdin.close()
        for process in self._processes.values():
            try:
                process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._processes.clear()

    def project(self, name: str) -> dict[str, str]:
        """Make an empty project, with one ordinary member as its user.

        Returns:
            The ``OS_*`` variables with which any OpenStack client gets in.

        Raises:
            ApiError: there is a project of that name.
        """
        api = Api(self.admin, "identity")
        password = secrets.token_hex(16)
        project = api.call("POST", "/projects", {"project": {"name": name, "domain_id": "default"}})["project"]["id"]
        body = {"name": name, "domain_id": "default", "password": password}
        user = api.call("POST", "/users", {"user": body})["user"]["id"]
        role = api.call("GET", "/roles?name=member")["roles"][0]["id"]
        api.call("PUT", f"/projects/{project}/users/{user}/roles/{role}")
        return self._variables(name, password)

    @property
    def admin(self) -> dict[str, str]:
        """The ``OS_*`` variables of the cloud's administrator."""
        return self._variables("admin", self._password)

    def _variables(self, name: str, password: str) -> dict[str, str]:
        return {
            "OS_AUTH_URL": self._auth_url,
            "OS_IDENTITY_API_VERSION": "3",
            "OS_USERNAME": name,
            "OS_PASSWORD": password,
            "OS_PROJECT_NAME": name,
            "OS_USER_DOMAIN_NAME": "Default",
            "OS_PROJECT_DOMAIN_NAME": "Default",
            "OS_REGION_NAME": REGION,
            "OS_INTERFACE": "public",
        }

    def _configure(self) -> dict[str, dict[str, str]]:
        """Write keys and configuration files; the environment variables of each service."""
        keys = self._directory / "keys"
        keys.mkdir(mode=0o700, parents=True)
        (keys / "1").write_bytes(base64.urlsafe_b64encode(secrets.token_bytes(32)))
        database = f"sqlite:///{self._directory}/network.db"
        values: Mapping[str, object] = {
            "directory": self._directory,
            "venv": self._venv,
            "database": database,
            "auth_url": self._auth_url,
            "password": self._password,
            **self._quotas,
        }
        (self._directory / "keystone.conf").write_text(_IDENTITY_CONFIG.format(**values))
        (self._directory / "neutron.conf").write_text(_NETWORK_CONFIG.format(**values))
        return {
            "identity": {
                "OS_KEYSTONE_CONFIG_DIR": str(self._directory),
                "OS_KEYSTONE_CONFIG_FILES": "keystone.conf",
                "ADMIN_PASSWORD": self._password,
                "AUTH_URL": self._auth_url,
                "REGION": REGION,
            },
            "network": {
                "OS_NEUTRON_CONFIG_DIR": str(self._directory),
                "OS_NEUTRON_CONFIG_FILES": "neutron.conf",
                "DATABASE": database,
            },
        }

    def _run(self, name: str, listening: socket.socket, environment: dict[str, str]) -> None:
        # -I: nothing of the caller's Python reaches the services, nor do the modules beside run_service.py.
        command = [str(self._venv / "bin" / "python"), "-I", "-W", "ignore", str(HERE / "run_service.py")]
        number = listening.fileno()
        with self._log(name).open("wb") as log:
            self._processes[name] = subprocess.Popen(
                [*command, name, str(number)],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                cwd=self._directory,
                env={"PATH": os.defpath, "HOME": str(self._directory), "LC_ALL": "C.UTF-8", **environment},
                pass_fds=[number],
                start_new_session=True,  # Ctrl-C reaches the tests first, which then still can clean up
            )

    def _wait(self, name: str, port: int) -> None:
        """One request, which the service answers as soon as it can."""
        connection = http.client.HTTPConnection(_HOST, port, timeout=_START_SECONDS)
        try:
            connection.request("GET", "/")
            status = connection.getresponse().status
            problem = f"answers with {status}" if status >= 400 else ""
        except TimeoutError:
            problem = f"did not answer within {_START_SECONDS} seconds"
        except (OSError, http.client.HTTPException) as error:
            problem = f"does not run ({error})"
        finally:
            connection.close()
        if problem:
            self.stop()  # so that the logs are complete
            raise OpenStackServerError(f"the {name} service {problem}{self._log_ends()}")

    def _log(self, name: str) -> Path:
        return self._directory / f"{name}.log"

    def _log_ends(self) -> str:
        return "".join(f"\n--- the {name} log ends\n{log_end(self._log(name))}" for name in ("identity", "network"))

    def _fill(self, port: int) -> None:
        """What a new cloud has, and these databases lack: Networking in the catalog, the rules of a new group."""
        identity = Api(self.admin, "identity")
        made = identity.call("POST", "/services", {"service": {"type": "network", "name": "neutron"}})
        endpoint = {"interface": "public", "region_id": REGION, "url": f"http://{_HOST}:{port}"}
        endpoint["service_id"] = made["service"]["id"]
        identity.call("POST", "/endpoints", {"endpoint": endpoint})
        network = Api(self.admin, "network")
        for ethertype in ("IPv4", "IPv6"):
            for rule in (
                {"direction": "egress", "used_in_non_default_sg": True},
                {"direction": "ingress", "used_in_non_default_sg": False, "remote_group_id": "PARENT"},
            ):
                body = {"ethertype": ethertype, "used_in_default_sg": True, **rule}
                network.call("POST", "/v2.0/default-security-group-rules", {"default_security_group_rule": body})


def _listen() -> socket.socket:
    """A socket on a free port of loopback that takes connections already."""
    return socket.create_server((_HOST, 0), backlog=128)
