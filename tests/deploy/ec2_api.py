"""An empty EC2 API on a free loopback port, as a program: says its endpoint, and ends when its input does."""

from __future__ import annotations

import sys

from moto.server import ThreadedMotoServer

if __name__ == "__main__":
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    print("http://127.0.0.1:{1}".format(*server.get_host_and_port()), flush=True)
    sys.stdin.read()
    server.stop()
