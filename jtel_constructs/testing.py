"""For tests in a repository of your own: assertions that show a packet where they fail, and text for snapshots.

Needs no test framework: a failed assertion is an AssertionError. `stack` is the file `cdk.tf.json`, a plan or a state
as `terraform show -json` writes it, the text that CDKTF's `Testing.synth(stack)` returns, or that text parsed. Both
engines, cdktf and cdktn, serve.

    acd = ContactCentre(app, "contact-centre").environment    # your stack, your environment
    app.synth()
    assert_proved(acd, "cdktf.out/stacks/contact-centre/cdk.tf.json")
    assert_lets_in(acd, stack, "pbx", "tel", udp(5060))
    assert_refuses(acd, stack, "0.0.0.0/0", "lb", tcp(3306))
    assert readable(stack) == snapshot                        # syrupy
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from jtel_constructs.answers import Proof, Verdict, prove
from jtel_constructs.answers.explaining import explain
from jtel_constructs.answers.explanation import Explanation
from jtel_constructs.answers.subject import Outcome
from jtel_constructs.errors import InputError, Problem
from jtel_constructs.exports.readable import readable as _readable
from jtel_constructs.policy import Environment, ImportedGroup, Ports, compute, load_environment
from jtel_constructs.readers import Snapshot, read_terraform

if TYPE_CHECKING:
    from jtel_constructs.constructs.environment import JtelEnvironment
    from jtel_constructs.constructs.servers import AcdServer

__all__ = ["assert_lets_in", "assert_proved", "assert_refuses", "proof_of", "readable"]

Stack: TypeAlias = "Path | str | Mapping[str, Any]"
# an environment as a construct, as a model, or as the path of its file
Subject: TypeAlias = "JtelEnvironment | Environment | Path | str"
# a server, an environment (every server), a group that exists elsewhere, or the text of `jtel explain`
End: TypeAlias = "AcdServer | JtelEnvironment | ImportedGroup | str"

_SHOWN = 20


def proof_of(environment: Subject, stack: Stack, *, ids: Mapping[str, str] | None = None) -> Proof:
    """Compare a stack with what its environment demands, packet for packet.

    Args:
        environment: the construct (call this after the synthesis), the model, or the environment's file.
        stack: see above. What is in it beside the environment is not judged.
        ids: for a group that the stack knows by a reference alone, by its name in `ImportedGroup` or by its server's,
            the id that the deployment gave it. For plans and states in which the group itself is not.

    Raises:
        InputError: the environment is wrong.
        ProofError: the stack cannot be read, or has none of the environment's groups.
    """
    model = _model(environment, ids)
    return prove(compute(model), _snapshot(model, stack))


def assert_proved(environment: Subject, stack: Stack, *, ids: Mapping[str, str] | None = None) -> None:
    """Fail unless a stack opens exactly what the matrix and the environment demand. Arguments as `proof_of`.

    Raises:
        AssertionError: each difference with a packet that gets through or is stopped, or what cannot be told and why.
    """
    proof = proof_of(environment, stack, ids=ids)
    if proof.verdict is Verdict.PROVED:
        return
    answer = "is not proved" if proof.verdict is Verdict.DIFFERS else "cannot be told"
    raise AssertionError(_listed(f"{_model(environment, ids).name} {answer}:", (one.message for one in proof.found)))


def assert_lets_in(
    environment: Subject,
    stack: Stack,
    source: End,
    server: End,
    *ports: Ports | str,
    ids: Mapping[str, str] | None = None,
) -> None:
    """Fail unless a stack surely lets all of these packets in.

    Args:
        environment, stack, ids: as `proof_of`.
        source: a server, an environment, an `ImportedGroup`, or text as for `jtel explain`: a server, a role, a peer,
            ``internal``, a CIDR block or an address.
        server: the same; whom it is to reach.
        ports: `tcp(...)`, `udp(...)`, or text such as ``443/tcp``; at least one.

    Raises:
        AssertionError: each packet that is refused, and why.
        InputError: nothing of such a name.
    """
    _ask(environment, stack, source, server, ports, ids, Outcome.OPEN)


def assert_refuses(
    environment: Subject,
    stack: Stack,
    source: End,
    server: End,
    *ports: Ports | str,
    ids: Mapping[str, str] | None = None,
) -> None:
    """Fail unless a stack surely lets none of these packets in. Arguments as `assert_lets_in`.

    Raises:
        AssertionError: each packet that gets in, and the resource and row that let it in.
        InputError: nothing of such a name.
    """
    _ask(environment, stack, source, server, ports, ids, Outcome.REFUSED)


def readable(stack: Stack) -> str:
    """A stack's groups, rules and servers as text that people read, for a snapshot: one line a rule, in a stable order.

    Args:
        stack: a synthesized stack: its file, the text of `Testing.synth`, or that text parsed.

    Raises:
        InputError: it is none.
    """
    content = stack if isinstance(stack, Mapping) else _parsed(_text(stack))
    if not isinstance(content, Mapping) or "resource" not in content:
        raise InputError([Problem("stack", "this is no synthesized stack, such as cdk.tf.json or Testing.synth give")])
    return _readable(content)


# -- how ------------------------------------------------------------------------------------------------------------


def _ask(
    environment: Subject,
    stack: Stack,
    source: End,
    server: End,
    ports: Iterable[Ports | str],
    ids: Mapping[str, str] | None,
    wanted: Outcome,
) -> None:
    model = _model(environment, ids)
    snapshot = _snapshot(model, stack)
    asked = [text for some in ports for text in _ports(some)]
    if not asked:
        raise InputError([Problem("ports", "no ports are given; add tcp(...), udp(...), or a text such as 443/tcp")])
    wrong: list[str] = []
    ends = _end(source, model), _end(server, model)
    for text in asked:
        answer = explain(model, *ends, text, snapshot=snapshot)
        if answer.verdict is not wanted:
            wrong += _witnesses(answer, wanted)
    if wrong:
        verb = "does not let" if wanted is Outcome.OPEN else "does not refuse"
        what = f"{model.name} {verb} all of {', '.join(asked)} from {ends[0]} to {ends[1]}"
        raise AssertionError(_listed(f"{what}{' in' if wanted is Outcome.OPEN else ''}:", wrong))


def _witnesses(answer: Explanation, wanted: Outcome) -> Iterable[str]:
    for part in answer.parts:
        if part.outcome is wanted:
            continue
        causes = [grant.text + (f" ({', '.join(grant.addresses)})" if grant.addresses else "") for grant in part.grants]
        causes += [refusal.text for refusal in part.refusals]
        yield f"{part.packet} is {part.outcome}: {'; '.join(causes) or 'no rule says otherwise'}"


def _listed(title: str, lines: Iterable[str]) -> str:
    found = list(lines)
    shown = [title, *(f"  {line}" for line in found[:_SHOWN])]
    if len(found) > _SHOWN:
        shown.append(f"  ... and {len(found) - _SHOWN} more")
    return "\n".join(shown)


def _model(environment: Subject, ids: Mapping[str, str] | None) -> Environment:
    """The environment with its tokens resolved, so that nothing has to be guessed."""
    if isinstance(environment, str | Path):
        environment = load_environment(environment)
    if isinstance(environment, Environment):
        if ids:
            message = "ids stand for tokens, which only an environment construct has; give that"
            raise InputError([Problem("ids", message)])
        return environment
    from jtel_constructs.constructs.environment import JtelEnvironment

    given: object = environment
    if not isinstance(given, JtelEnvironment):
        message = f"a JtelEnvironment, an Environment or the path of a file is needed, not {environment!r}"
        raise InputError([Problem("environment", message)])
    return environment.resolved(ids).environment


def _end(end: End, model: Environment) -> str:
    if isinstance(end, str):
        return end
    if isinstance(end, ImportedGroup):
        return f"group:{end.name}"
    name = getattr(end, "server_name", None)
    return name if isinstance(name, str) else "internal"


def _ports(ports: Ports | str) -> list[str]:
    if isinstance(ports, str):
        return [ports]
    return [f"{some}/{ports.protocol}" for some in ports.ranges]


def _text(stack: Path | str) -> str:
    if isinstance(stack, str) and stack.lstrip().startswith("{"):
        return stack
    try:
        return Path(stack).read_text(encoding="utf-8")
    except OSError as error:
        raise InputError([Problem("stack", f"{stack} cannot be read: {error.strerror or error}")]) from None


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise InputError([Problem("stack", f"this is not valid JSON: {error}")]) from None


def _snapshot(model: Environment, stack: Stack) -> Snapshot:
    given: object = stack
    if not isinstance(given, str | Path | Mapping):
        message = f"{given!r} is no synthesized stack; give Testing.synth(stack, True), or the file that it becomes"
        raise InputError([Problem("stack", message)])
    if isinstance(given, str) and not given.strip():
        raise InputError([Problem("stack", "the text is empty; give that of Testing.synth(stack, True), or a file")])
    if isinstance(stack, Path) or (isinstance(stack, str) and not stack.lstrip().startswith("{")):
        return read_terraform(Path(stack), model)
    # the readers read files
    with tempfile.TemporaryDirectory(prefix="jtel-testing-") as folder:
        path = Path(folder) / "cdk.tf.json"
        path.write_text(stack if isinstance(stack, str) else json.dumps(stack), encoding="utf-8")
        return read_terraform(path, model)
