"""Runs inside the environment of the services, in a process of its own: Identity or Networking on a given socket.

``run_service.py identity|network SOCKET``, where SOCKET is the number of a bound socket that the parent hands over and
the service's configuration directory stands in the variable that the service itself reads. Standard input is the tie
to the parent: when it closes, whether the parent asked for that or died, this process ends too.
"""

from __future__ import annotations

import os
import socket
import sys
import threading
from importlib import import_module
from typing import Any


def identity() -> Any:
    """Keystone, its database filled with the roles, the project and user ``admin``, and itself in the catalog."""
    application = import_module("keystone.wsgi.api").application
    import_module("keystone.common.sql.upgrades").offline_sync_database_to_version()
    backends: Any = import_module("keystone.server.backends")
    backends.load_backends = dict  # the application has just loaded them, and a second time is an error
    bootstrap = import_module("keystone.cmd.bootstrap").Bootstrapper()
    bootstrap.admin_username = bootstrap.project_name = bootstrap.admin_role_name = "admin"
    bootstrap.admin_password = os.environ["ADMIN_PASSWORD"]
    bootstrap.immutable_roles = True
    bootstrap.service_name = "keystone"
    bootstrap.region_id = os.environ["REGION"]
    bootstrap.public_url = os.environ["AUTH_URL"]
    bootstrap.bootstrap()
    return application


def network() -> Any:
    """Neutron, its tables made from its models: its migrations alter constraints, which SQLite cannot."""
    metadata = import_module("neutron.db.migration.models.head").get_metadata()
    metadata.create_all(import_module("sqlalchemy").create_engine(os.environ["DATABASE"]))
    return import_module("neutron.wsgi.api").application


def end_with_the_parent() -> None:
    """Wait until standard input closes, then leave at once: nothing here is worth saving."""
    sys.stdin.buffer.read()
    os._exit(0)


def main() -> None:
    name, number = sys.argv[1:]
    sys.argv[1:] = []  # the services parse the command line too
    threading.Thread(target=end_with_the_parent, daemon=True).start()
    application = {"identity": identity, "network": network}[name]()
    # One thread: SQLite takes one writer at a time, and a second one would get "database is locked".
    import_module("waitress").serve(application, sockets=[socket.socket(fileno=int(number))], threads=1)


main()
