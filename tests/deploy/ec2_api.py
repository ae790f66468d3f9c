"""An empty EC2 API on a free loopback port, as a program: says its endpoint, and ends when its input does."""

from __future__ import annotations

import sys
from pathlib import Path

from stacks.local_ec2 import ec2_api

if __name__ == "__main__":
    with ec2_api(Path(sys.argv[1])) as endpoint:
        print(endpoint, flush=True)
        sys.stdin.read()
