"""Two hosts and a router between them, each in a network namespace of this machine's kernel; packets sent through."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from ipaddress import ip_interface

import pytest

# source address, destination address, protocol, port
Packet = tuple[str, str, str, int]

# Everything at once, since every refused packet is waited for. A closed TCP port answers with a reset, and for UDP
# somebody listens: an answer means that the packet got through, silence that it was dropped.
_SENDER = """
import errno, json, socket, sys, time
packets, waiting, answers = json.load(sys.stdin), [], []
for source, to, protocol, port in packets:
    family = socket.AF_INET6 if ":" in to else socket.AF_INET
    one = socket.socket(family, socket.SOCK_STREAM if protocol == "tcp" else socket.SOCK_DGRAM)
    one.setblocking(False)
    one.bind((source, 0))
    one.connect_ex((to, port))
    waiting.append(one)
# the first ones may be lost while the hosts still look for each other; TCP sends again by itself, after a second
for _ in range(3):
    for (source, to, protocol, port), one in zip(packets, waiting):
        if protocol == "udp":
            one.send(b"x")
    time.sleep(1.2)
for (source, to, protocol, port), one in zip(packets, waiting):
    if protocol == "udp":
        try:
            answers.append(one.recv(1) == b"x")
        except BlockingIOError:
            answers.append(False)
        continue
    error = one.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    assert error in (0, errno.ECONNREFUSED), errno.errorcode[error]
    answers.append(error == errno.ECONNREFUSED)
print(json.dumps(answers))
"""
_LISTENER = """
import json, selectors, socket, sys
waiting = selectors.DefaultSelector()
for to, port in json.loads(sys.stdin.readline()):
    one = socket.socket(socket.AF_INET6 if ":" in to else socket.AF_INET, socket.SOCK_DGRAM)
    one.bind((to, port))
    waiting.register(one, selectors.EVENT_READ)
waiting.register(sys.stdin, selectors.EVENT_READ)
print("ready", flush=True)
while True:
    for key, _ in waiting.select():
        if key.fileobj is sys.stdin:
            sys.exit()
        data, sender = key.fileobj.recvfrom(9)
        key.fileobj.sendto(data, sender)
"""


@dataclass(frozen=True)
class Network:
    """The three namespaces, by name."""

    client: str
    router: str
    server: str

    def run(self, where: str, *command: str, given: str = "") -> str:
        """Run a program in one of them; what it printed."""
        done = subprocess.run(
            ["ip", "netns", "exec", where, *command], input=given, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
        return done.stdout

    def get_through(self, packets: Sequence[Packet]) -> list[bool]:
        """Which of these packets from the client reach the server."""
        ports = sorted({(to, port) for _, to, protocol, port in packets if protocol == "udp"})
        listener = subprocess.Popen(
            ["ip", "netns", "exec", self.server, sys.executable, "-c", _LISTENER],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        with listener:
            assert listener.stdin is not None
            assert listener.stdout is not None
            listener.stdin.write(json.dumps(ports) + "\n")
            listener.stdin.flush()
            assert listener.stdout.readline() == "ready\n"
            answer = self.run(self.client, sys.executable, "-c", _SENDER, given=json.dumps(packets))
            listener.stdin.close()
        found: list[bool] = json.loads(answer)
        return found


def need(*programs: str) -> None:
    """Skip what this machine cannot do."""
    for program in ("ip", "unshare", "sysctl", *programs):
        if shutil.which(program) is None:
            pytest.skip(f"this machine has no {program}")
    if os.geteuid() != 0:
        pytest.skip("this machine has no network namespaces for a user who is not root")
    if subprocess.run(["unshare", "-n", "true"], capture_output=True, check=False).returncode:
        pytest.skip("this machine has no network namespaces")


@contextmanager
def network(client: Sequence[str], server: Sequence[str]) -> Iterator[Network]:
    """A network for as long as it is needed; `client` and `server` are the addresses that these hosts have."""
    names = Network(*(f"jtel-{os.getpid()}-{name}" for name in ("client", "router", "server")))
    made = []
    try:
        for name in (names.client, names.router, names.server):
            subprocess.run(["ip", "netns", "add", name], check=True, capture_output=True)
            made.append(name)
            names.run(name, "ip", "link", "set", "lo", "up")
            names.run(name, "sysctl", "-qw", "net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1")
            # no second of waiting before an IPv6 address may be used
            names.run(name, "sysctl", "-qw", "net.ipv6.conf.default.accept_dad=0", "net.ipv6.conf.all.accept_dad=0")
        _join(names, names.client, "1", client)
        _join(names, names.server, "2", server)
        yield names
    finally:
        for name in made:
            subprocess.run(["ip", "netns", "delete", name], check=False, capture_output=True)


def _join(names: Network, host: str, number: str, addresses: Sequence[str]) -> None:
    """A cable between a host and the router, and the routes over it. `addresses` lie outside the cable's own."""
    names.run(names.router, "ip", "link", "add", f"r{number}", "type", "veth", "peer", "name", "eth0", "netns", host)
    for where, device, last in ((names.router, f"r{number}", "1"), (host, "eth0", "2")):
        names.run(where, "ip", "address", "add", f"169.254.{number}.{last}/24", "dev", device)
        names.run(where, "ip", "address", "add", f"fd00:{number}::{last}/64", "dev", device, "nodad")
        # what waits while the hosts look for each other is not thrown away
        for version in ("4", "6"):
            names.run(where, "sysctl", "-qw", f"net.ipv{version}.neigh.{device}.unres_qlen_bytes=10000000")
        names.run(where, "ip", "link", "set", device, "up")
    names.run(host, "ip", "route", "add", "default", "via", f"169.254.{number}.1")
    names.run(host, "ip", "route", "add", "default", "via", f"fd00:{number}::1")
    for address in addresses:
        single = ip_interface(address).network
        via = f"169.254.{number}.2" if single.version == 4 else f"fd00:{number}::2"
        names.run(host, "ip", "address", "add", str(single), "dev", "lo", *(["nodad"] if single.version == 6 else []))
        names.run(names.router, "ip", "route", "add", str(single), "via", via)
