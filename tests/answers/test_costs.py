"""What answers cost: little for one environment, and no more than servers times servers for large ones."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from jtel_constructs import Environment, compute
from jtel_constructs.answers import compare, explain
from jtel_constructs.matrix import ROLES
from tests.verify.building import environment


def large(servers: int, blocks: int, **changes: Any) -> Environment:
    machines = [{"name": f"s{index}", "roles": [ROLES[index % 9]], "os": "linux"} for index in range(servers)]
    names = ("jtel-support", "pbx", "reporting-api-users", "any")
    peers = {name: [f"10.{place}.{index * 4}.0/23" for index in range(blocks)] for place, name in enumerate(names)}
    made = environment(topology=None, servers=machines, peers=peers, **changes)
    compute(made)
    return made


def cost_of_diff(servers: int, blocks: int) -> float:
    """CPU seconds, of the better of two runs."""
    before, after = large(servers, blocks), large(servers, blocks, redundant=False)
    found = []
    for _ in range(2):
        start = time.process_time()
        assert not compare(before, after).equal
        found.append(time.process_time() - start)
    return min(found)


def test_one_environment_is_answered_at_once() -> None:
    start = time.process_time()
    assert explain(large(30, 1), "s0", "s4", "22/tcp").is_open
    assert not compare(large(30, 1), large(30, 1, redundant=False)).equal
    assert time.process_time() - start < 1


def test_a_diff_grows_no_faster_than_servers_times_servers() -> None:
    # twice the servers: four times the cost at the most; the rest is for a machine that does something else besides
    assert cost_of_diff(80, 25) < 4 * 1.6 * cost_of_diff(40, 25)


def test_no_question_starts_node() -> None:
    program = (
        "import sys\n"
        "from jtel_constructs.cli.main import main\n"
        "main(['explain', 'office-aws', '--from', 'pbx', '--to', 'tel', '--port', '5060'])\n"
        "main(['diff', 'office-aws', 'demo-aws', '--json'])\n"
        "started = {name.partition('.')[0] for name in sys.modules} & {'cdktf', 'cdktn', 'jsii', 'boto3'}\n"
        "print(sorted(started))\n"
    )
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=root)
    assert done.stdout.endswith("\n[]\n")
