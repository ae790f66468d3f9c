"""What an environment becomes in Terraform, without the CDK: the JSON that the CDK writes, and the same proof."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from jtel_constructs import compute, load_environment
from jtel_constructs.answers import prove
from jtel_constructs.constructs.synth import synthesize
from jtel_constructs.exports.emitted import emitted, stack_content
from jtel_constructs.policy import TOPOLOGIES, Environment
from tests.clouds.samples import CLOUDS, environment
from tests.exports.test_terraform_module import hybrid

LIMITS = {"openstack": {"security_group_rules": -1, "security_groups": -1}}
ROOT = Path(__file__).parents[2]
FILES = sorted((ROOT / "stacks" / "environments").glob("*.yaml"))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_shipped_environment_proves_without_a_file(file: Path) -> None:
    rules = compute(load_environment(file))
    proof = prove(rules, emitted(rules))
    assert proof.proved, [one.message for one in proof.found]


@pytest.fixture(scope="module")
def stacks(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Environment, Path]]:
    """Every topology on every cloud, what else can be emitted, and the shipped files; node starts once."""
    folder = tmp_path_factory.mktemp("emitted")
    of = {
        f"{cloud}-{topology}-{redundant}": environment(
            cloud, topology=topology, redundant=redundant, limits=LIMITS.get(cloud, {})
        )
        for cloud in CLOUDS
        for topology in TOPOLOGIES
        for redundant in (False, True)
    }
    of |= {f"{cloud}-hybrid": hybrid(cloud) for cloud in CLOUDS}
    of |= {file.stem: load_environment(file) for file in FILES}
    synthesize(of, folder)
    return {name: (one, folder / "stacks" / name / "cdk.tf.json") for name, one in of.items()}


def test_it_is_what_the_cdk_writes(stacks: dict[str, tuple[Environment, Path]]) -> None:
    for name, (of, file) in stacks.items():
        written = json.loads(file.read_text(encoding="utf-8"))
        made = stack_content(compute(of))
        # the engine's own notes; and the providers' versions and the place of the state, which no proof looks at
        assert made.keys() == written.keys() - {"//", "terraform"}, name
        for key, value in made.items():
            assert value == written[key], (name, key)


def test_it_starts_no_node_and_asks_no_cloud() -> None:
    program = (
        "import sys\n"
        "from jtel_constructs import compute, load_environment\n"
        "from jtel_constructs.exports.emitted import emitted\n"
        f"emitted(compute(load_environment({str(FILES[0])!r})))\n"
        "print(sorted({name.partition('.')[0] for name in sys.modules} & {'cdktf', 'cdktn', 'jsii', 'boto3'}))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout == "[]\n"
