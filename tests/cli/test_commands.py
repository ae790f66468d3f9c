"""What each command of `jtel` answers: text for people, JSON for programs, exit codes."""

from __future__ import annotations

import json
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

from jtel_constructs.cli import commands, main
from jtel_constructs.matrix import load_matrix
from jtel_constructs.policy import TOPOLOGIES, Environment, compute, load_environment
from tests.bad_input.cases import GOOD
from tests.verify import building

ROWS = load_matrix().rows
COMMANDS = commands.NAMES


class Said:
    """The exit code of a command, and what it wrote."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of environments that names are looked up in."""
    monkeypatch.setenv("JTEL_ENVIRONMENTS", str(tmp_path))
    (tmp_path / "acme.yaml").write_text(GOOD, encoding="utf-8")
    return tmp_path


@pytest.fixture
def jtel(capsys: pytest.CaptureFixture[str]) -> Any:
    def run(*arguments: object) -> Said:
        try:
            code = main([str(argument) for argument in arguments])
        except SystemExit as stop:  # argparse's own way out
            code = int(stop.code or 0)
        said = capsys.readouterr()
        return Said(code, said.out, said.err)

    return run


def _put(folder: Path, name: str, more: str) -> Path:
    path = folder / f"{name}.yaml"
    path.write_text(GOOD + more, encoding="utf-8")
    return path


# -- matrix ------------------------------------------------------------------------------------------------------------


def test_matrix_shows_every_row_supplement_peer_and_system(jtel: Any) -> None:
    said = jtel("matrix")
    assert (said.code, said.err) == (0, "")
    assert said.out.startswith("34 rows of the jtel document\n")
    lines = said.out.splitlines()
    for row in ROWS:
        (line,) = [line for line in lines if line.split()[:1] == [row.key]]
        assert row.title in line
        assert row.destination in line
        assert ", ".join(map(str, row.ports)) in line
    assert "Supplements, not in the jtel document, off by default" in lines
    for supplement in load_matrix().supplements:
        assert any(line.startswith(supplement.key) for line in lines)
    for entry in load_matrix().glossary:
        assert any(line.startswith(entry.system) for line in lines)
    assert any(line.startswith("jtel-support ") for line in lines)


def test_matrix_as_json_has_all_of_it(jtel: Any) -> None:
    found = jtel("matrix", "--json").json
    assert [row["key"] for row in found["rows"]] == [row.key for row in ROWS]
    rtp = next(row for row in found["rows"] if row["key"] == "rtp")
    assert rtp["ports"] == [{"first": 30000, "last": 34999}]
    assert rtp["place"] == {"table": "Specific Systems", "row": 10}
    assert all(supplement["documented"] is False for supplement in found["supplements"])
    assert len(found["peers"]) == 4
    assert len(found["glossary"]) == 8


def test_matrix_takes_a_file_of_ones_own_and_refuses_a_wrong_one(jtel: Any, tmp_path: Path) -> None:
    path = tmp_path / "ports.yaml"
    text = Path("jtel_constructs/matrix/required-ports.yaml").read_text(encoding="utf-8")
    path.write_text(text.replace("ports: [5061]", "ports: [5071]"), encoding="utf-8")
    assert "5071" in jtel("matrix", "--matrix", path).out
    path.write_text(text.replace("ports: [5061]", "ports: [0]"), encoding="utf-8")
    said = jtel("matrix", "--matrix", path)
    assert (said.code, said.out) == (2, "")
    assert "row sips: port 0 does not exist" in said.err


def test_topologies_shows_what_each_gives(jtel: Any) -> None:
    said = jtel("topologies")
    assert (said.code, said.err) == (0, "")
    assert "small-v1: 2 servers; without ACD-CHAT, ACD-REST\n" in said.out
    assert "large-v3: 8 servers\n" in said.out
    found = jtel("topologies", "--json").json
    assert list(found) == list(TOPOLOGIES)
    assert found["small-v2"][2] == {"name": "tel", "roles": ["ACD-TEL"], "os": "windows"}


def test_matrix_says_what_a_supplement_is_about(jtel: Any) -> None:
    said = jtel("matrix").out
    assert "common practice, not jtel's word" in said
    assert "it takes one UDP port a link from 5405 on" in said


def test_version_is_that_of_the_package(jtel: Any) -> None:
    assert jtel("--version").out == f"jtel {version('jtel-constructs')}\n"


# -- rules -------------------------------------------------------------------------------------------------------------


def test_rules_shows_every_rule_with_its_rows(jtel: Any, folder: Path) -> None:
    said = jtel("rules", "acme")
    assert (said.code, said.err) == (0, "")
    rules = compute(load_environment(folder / "acme.yaml")).rules
    assert said.out.startswith(f"acme (aws, redundant): {len(rules)} ingress rules, egress all\n")
    lines = [line.split() for line in said.out.splitlines()]
    for rule in rules:
        start = [rule.destination, rule.protocol, str(rule.ports), str(rule.source)]
        (line,) = [words for words in lines if words[:4] == start]
        assert all(row in " ".join(line) for row in rule.rows)


def test_rules_to_one_server_shows_no_other(jtel: Any, folder: Path) -> None:
    found = jtel("rules", "acme", "--to", "tel", "--json").json["rules"]
    assert {rule["destination"] for rule in found} == {"tel"}
    assert len(found) == len(list(compute(load_environment(folder / "acme.yaml")).rules_of("tel")))


def test_rules_to_an_unknown_server_are_refused_with_a_suggestion(jtel: Any, folder: Path) -> None:
    said = jtel("rules", "acme", "--to", "tle")
    assert (said.code, said.out) == (2, "")
    assert said.err == "error: --to: unknown server 'tle'; allowed: db, lb, tel; did you mean 'tel'?\n"


def test_rules_as_json_are_the_rules(jtel: Any, folder: Path) -> None:
    found = jtel("rules", "acme", "--json").json
    rules = compute(load_environment(folder / "acme.yaml")).rules
    assert [rule["key"] for rule in found["rules"]] == [rule.key for rule in rules]
    assert (found["environment"], found["cloud"], found["redundant"]) == ("acme", "aws", True)
    assert {"name": "tel", "roles": ["ACD-TEL"], "os": "windows"} in found["servers"]
    web = next(rule for rule in found["rules"] if rule["key"] == "lb_tcp_443_from_ipv4_10-0-0-0_8")
    assert web == {
        "key": "lb_tcp_443_from_ipv4_10-0-0-0_8",
        "destination": "lb",
        "source": "10.0.0.0/8",
        "protocol": "tcp",
        "from_port": 443,
        "to_port": 443,
        "rows": ["https"],
        "origins": ["any"],
        "narrowed": [],
        "undocumented": [],
    }


def test_whatever_departs_from_the_document_is_marked(jtel: Any, folder: Path) -> None:
    _put(
        folder,
        "more",
        "narrow: {haproxy-web: [], http: [10.1.0.0/16]}\n"
        "supplements: [database-udp-listener]\n"
        "site_rules: [{name: metrics, from: lb, to: db, protocol: tcp, ports: 9100, reason: to see it}]\n",
    )
    said = jtel("rules", "more")
    for words in (
        "narrowed: haproxy-web is narrower than the document: nobody but jtel support in place of any",
        "narrowed: http is narrower than the document: 10.1.0.0/16 in place of any",
        "haproxy-web (narrowed)",
        "database-events (not in the jtel document)",
        "site:metrics (not in the jtel document)",
        "site rule: metrics is not in the jtel document: to see it",
        "notice: supplement database-udp-listener is on: its ports are not in the jtel document.",
    ):
        assert words in said.out
    found = jtel("rules", "more", "--json").json
    assert found["narrowed"] == {"haproxy-web": [], "http": ["10.1.0.0/16"]}
    assert {row for rule in found["rules"] for row in rule["undocumented"]} == {"database-events", "site:metrics"}
    assert {row for rule in found["rules"] for row in rule["narrowed"]} == {"haproxy-web", "http"}


def test_what_an_empty_peer_leaves_out_is_listed(jtel: Any, folder: Path) -> None:
    (folder / "acme.yaml").write_text(GOOD.replace("pbx: [203.0.113.10/32]", "pbx: []"), encoding="utf-8")
    assert "left out: rtp from pbx, which is empty" in jtel("rules", "acme").out
    assert {"peer": "pbx", "row": "rtp"} in jtel("rules", "acme", "--json").json["left_out"]


# -- check -------------------------------------------------------------------------------------------------------------


def test_check_says_what_is_used_of_the_limits(jtel: Any, folder: Path) -> None:
    said = jtel("check", "acme")
    assert (said.code, said.err) == (0, "")
    count = len(compute(load_environment(folder / "acme.yaml")).rules)
    assert said.out.startswith(f"acme: fine (3 servers, {count} rules on aws)\n")
    assert "  largest group, rules a family: 23 of 60\n" in said.out
    assert "notice: UDP 20202 is a broadcast port" in said.out


def test_check_takes_several_files_and_one_json_holds_them(jtel: Any, folder: Path) -> None:
    other = _put(folder, "other", "egress: none\n")
    other.write_text(other.read_text(encoding="utf-8").replace("name: acme", "name: other"), encoding="utf-8")
    found = jtel("check", "acme", other, "--json").json
    assert [entry["problems"] for entry in found] == [[], []]
    assert {notice["id"] for notice in found[1]["notices"]} >= {"egress-none", "one-entry:lb"}
    assert [entry["egress"] for entry in found] == ["all", "none"]
    assert {"what": "largest group, rules a family", "used": 23, "limit": 60} in found[0]["usage"]


@pytest.mark.parametrize("option", [[], ["--json"]], ids=["text", "json"])
def test_check_names_every_wrong_file_and_leaves_none_out(jtel: Any, folder: Path, option: list[str]) -> None:
    one, two = _put(folder, "one", "egress: some\n"), _put(folder, "two", "foo: bar\n")
    said = jtel("check", one, "acme", two, *option)
    assert said.code == 2
    assert f"error: {one}:13: egress: unknown value 'some'" in said.err
    assert f"\n{two}:13: foo: unknown key 'foo'" in said.err
    assert "acme.yaml" not in said.err
    if option:
        assert [len(entry["problems"]) for entry in said.json] == [1, 0, 1]
        (problem,) = said.json[2]["problems"]
        assert (problem["key"], problem["line"]) == ("foo", 13)
        assert problem["message"].startswith("unknown key 'foo'")
        assert "usage" in said.json[1]
        assert "usage" not in said.json[0]
    else:
        assert said.out.startswith("acme: fine")


def test_check_makes_a_table_of_several_with_the_tightest_limit_of_each(jtel: Any, folder: Path) -> None:
    for name, more in (("two", "limits: {rules_per_security_group: 25}\n"), ("THREE", "acknowledged: [broadcast]\n")):
        path = _put(folder, name, more)
        path.write_text(path.read_text(encoding="utf-8").replace("name: acme", f"name: {name}"), encoding="utf-8")
    (folder / "THREE.yaml").rename(folder / "THREE.YAML")
    said = jtel("check", folder)
    assert (said.code, said.err) == (0, "")
    lines = said.out.splitlines()
    assert lines[0] == "3 environments, each fine"
    (line,) = [line for line in lines if line.startswith("two ")]
    assert line.endswith("92%: largest group, rules a family: 23 of 25")
    assert any(line.startswith("THREE ") for line in lines), "no file is passed over for its ending"
    assert jtel("check", "THREE").code == 0


def test_check_refuses_a_folder_with_a_file_that_would_be_passed_over(jtel: Any, folder: Path) -> None:
    (folder / "old.YML").write_text(GOOD, encoding="utf-8")
    said = jtel("check", folder)
    assert (said.code, said.out) == (2, "")
    assert said.err == f"error: {folder}: environment files end in .yaml; rename or move old.YML\n"


# -- two environments that would make the same groups ------------------------------------------------------------------

AZURE = "{cloud: azure, location: westeurope, resource_group: rg-jtel}"
OPENSTACK = "{cloud: openstack, region: RegionOne}"


def _pair(folder: Path, first: tuple[str, str, str], second: tuple[str, str, str]) -> list[Path]:
    """Two files, each with a name, a platform and the name of its load balancer."""
    paths = []
    for file, (name, platform, server) in (("first", first), ("second", second)):
        text = GOOD.replace(GOOD.splitlines()[2], f"platform: {platform}").replace("name: acme", f"name: {name}")
        (folder / f"{file}.yaml").write_text(text.replace("name: lb", f"name: {server}"), encoding="utf-8")
        paths.append(folder / f"{file}.yaml")
    return paths


AWS = "{cloud: aws, region: eu-central-1, vpc_id: vpc-0123456789abcdef0}"
OTHER_AWS = "{cloud: aws, region: eu-central-1, vpc_id: vpc-0fedcba9876543210}"
MEETING = [
    (("acd", AWS, "lb"), ("acd", AWS, "lb"), "vpc-0123456789abcdef0"),
    (("acd", AWS, "lb"), ("ACD", AWS, "web"), "vpc-0123456789abcdef0"),
    (("a", AWS, "b-c"), ("a-b", AWS, "c"), "vpc-0123456789abcdef0"),
    (("acd", AZURE, "lb"), ("Acd", AZURE.replace("westeurope", "northeurope"), "lb"), "resource group rg-jtel"),
    (("acd", AZURE, "lb"), ("acd", AZURE.replace("rg-jtel", "RG-jtel"), "lb"), "resource group RG-jtel"),
    (("acd", OPENSTACK, "lb"), ("acd", OPENSTACK, "web"), "RegionOne"),
]
APART = [
    (("acd", AWS, "lb"), ("acd", OTHER_AWS, "lb")),
    (("a", AWS, "b-c"), ("a-b", AWS, "d")),
    (("acd", AZURE, "lb"), ("acd", AZURE.replace("rg-jtel", "rg-other"), "lb")),
    (("acd", OPENSTACK, "lb"), ("ACD", OPENSTACK, "lb")),
    (("acd", OPENSTACK, "lb"), ("acd", OPENSTACK.replace("One", "Two"), "lb")),
    (("acd", AWS, "lb"), ("acd", OPENSTACK, "lb")),
]


@pytest.mark.parametrize(("first", "second", "place"), MEETING)
@pytest.mark.parametrize("command", [["check"], ["check", "--json"], ["synth", "--out", "nowhere"]])
def test_two_environments_whose_groups_would_meet_are_refused(
    jtel: Any, folder: Path, command: list[str], first: Any, second: Any, place: str
) -> None:
    paths = _pair(folder, first, second)
    said = jtel(*command, *paths)
    assert said.code == 2
    words = f"error: {paths[1]}:1: name: {paths[0]} makes groups of the same names in the same place ({place}): "
    assert said.err.startswith(words)
    assert "each fine\n" not in said.out
    assert not Path("nowhere").exists()


@pytest.mark.parametrize(("first", "second"), APART)
def test_two_environments_in_different_places_or_of_different_names_are_fine(
    jtel: Any, folder: Path, first: Any, second: Any
) -> None:
    assert jtel("check", *_pair(folder, first, second), "--json").code == 0


def test_a_file_that_is_given_twice_meets_nobody(jtel: Any, folder: Path) -> None:
    assert jtel("check", "acme", folder / "acme.yaml").code == 0


def test_a_name_means_a_file_in_the_folder_and_a_path_means_itself(
    jtel: Any, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert jtel("check", "acme").code == 0
    assert jtel("check", folder / "acme.yaml").code == 0
    monkeypatch.chdir(folder)
    Path("acme").write_text("not an environment", encoding="utf-8")
    assert jtel("check", "acme").code == 2, "a file of that very name comes first"


def test_an_unknown_name_is_refused_with_what_there_is(jtel: Any, folder: Path) -> None:
    said = jtel("check", "acne")
    assert said.code == 2
    assert said.err == (f"error: acne: there is no such file, and no acne.yaml in {folder}; did you mean 'acme'?\n")
    assert jtel("rules", "zzz").err.endswith(f"no zzz.yaml in {folder}; it has acme\n")
    assert jtel("rules", "zzz.yaml").err == "error: zzz.yaml: there is no such file\n"
    near = folder / "acne.yaml"
    wanted = f"error: {near}: there is no such file; did you mean '{folder / 'acme.yaml'}'?\n"
    assert jtel("rules", near).err == wanted


def test_a_name_without_its_ending_is_told_of_the_file_that_is_here(
    jtel: Any, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("JTEL_ENVIRONMENTS")
    monkeypatch.chdir(folder)
    said = jtel("check", "acme")
    assert said.code == 2
    assert said.err == (
        "error: acme: there is no such file, and no acme.yaml in stacks/environments, a folder that is not here "
        "(JTEL_ENVIRONMENTS names another); did you mean 'acme.yaml'?\n"
    )


def test_a_matrix_and_an_environment_are_told_apart(jtel: Any, folder: Path) -> None:
    matrix = Path(commands.__file__).parents[2] / "matrix/required-ports.yaml"
    said = jtel("check", matrix)
    assert said.code == 2
    assert said.err.startswith(f"error: {matrix}: this is a matrix file, no environment: ")
    said = jtel("matrix", "--matrix", folder / "acme.yaml")
    assert said.code == 2
    assert said.err.startswith(f"error: {folder / 'acme.yaml'}: this is an environment file, no matrix; ")


def test_a_table_of_environments_names_files_where_they_are_named_otherwise(jtel: Any, folder: Path) -> None:
    (folder / "office.yaml").write_text(GOOD.replace("acme", "office"), encoding="utf-8")
    assert "file" not in jtel("check", folder).out.splitlines()[1]
    (folder / "other.yaml").write_text(GOOD.replace("acme", "third"), encoding="utf-8")
    lines = jtel("check", folder).out.splitlines()
    assert lines[1].startswith("file ")
    assert [str(folder / "other.yaml"), "third"] in [line.split()[:2] for line in lines]


def test_a_folder_and_a_file_given_twice_are_no_two_stacks(jtel: Any, folder: Path) -> None:
    path = folder / "acme.yaml"
    assert jtel("synth", path, path, "-o", "nowhere").err == f"error: {path}: this file is given twice\n"
    assert jtel("synth", ".", "-o", "nowhere").err == "error: .: this is a directory; name a YAML file in it\n"
    assert not Path("nowhere").exists()


@pytest.mark.parametrize(
    "name", ["", ".", "/", "a" * 300, "a" * 300 + ".yaml", "a\0b", "a\0b.yaml", "/dev/null/x", "*"]
)
def test_a_name_that_no_file_has_is_refused(jtel: Any, folder: Path, name: str) -> None:
    said = jtel("check", name)
    assert said.code == 2
    assert said.err.startswith("error: ")
    assert len(said.err.splitlines()) == 1


# -- schema ------------------------------------------------------------------------------------------------------------


def test_schema_is_the_json_schema_of_environments(jtel: Any) -> None:
    said = jtel("schema")
    assert (said.code, said.err) == (0, "")
    assert said.json == Environment.json_schema()
    assert set(said.json["required"]) == {"name", "redundant", "platform"}


# -- synth and verify, without node ------------------------------------------------------------------------------------


def test_synth_refuses_a_wrong_file_and_writes_nothing(jtel: Any, folder: Path) -> None:
    wrong = _put(folder, "wrong", "egress: some\n")
    said = jtel("synth", "acme", wrong, "--out", folder / "out")
    assert (said.code, said.out) == (2, "")
    assert said.err == f"error: {wrong}:13: egress: unknown value 'some'; allowed: all, none\n"
    assert not (folder / "out").exists()


def test_synth_without_node_says_so(jtel: Any, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(folder))
    said = jtel("synth", "acme", "--out", folder / "out")
    assert said.code == 2
    message = "the synthesis needs Node.js, and node is not on PATH; the README says which version"
    assert said.err == f"error: {message}\n"
    assert not (folder / "out").exists()


def test_synth_that_fails_with_node_there_does_not_ask_for_it(
    jtel: Any, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = folder / "node"
    program.write_text("#!/bin/sh\nexit 1\n", encoding="utf-8")
    program.chmod(0o755)
    monkeypatch.setenv("JSII_NODE", str(program))
    said = jtel("synth", "acme", "--out", folder / "out")
    assert said.code == 2
    assert said.err.startswith("error: the synthesis failed: ")
    assert "Node.js" not in said.err


def test_verify_without_a_file_needs_no_node(jtel: Any, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(folder))
    said = jtel("verify", "acme", "--no-notices")
    assert (said.code, said.err) == (0, "")
    assert said.out.startswith("acme: proved: what would be synthesized lets in exactly what the rows demand\n")


@pytest.mark.parametrize("option", [[], ["--stack", "nothing.json"], ["--live"]], ids=["synth", "stack", "live"])
def test_verify_refuses_a_wrong_file_first(jtel: Any, folder: Path, option: list[str]) -> None:
    wrong = _put(folder, "wrong", "egress: some\n")
    said = jtel("verify", wrong, *option)
    assert (said.code, said.out) == (2, "")
    assert "egress: unknown value 'some'" in said.err


@pytest.fixture
def stack(folder: Path) -> tuple[Path, dict[str, Any]]:
    """The stack of an environment as a file, written by hand, and its content."""
    content = building.stack(compute(load_environment(folder / "acme.yaml")))
    path = folder / "cdk.tf.json"
    path.write_text(json.dumps(content), encoding="utf-8")
    return path, content


def test_verify_says_proved_and_what_was_compared(jtel: Any, stack: tuple[Path, dict[str, Any]]) -> None:
    said = jtel("verify", "acme", "--stack", stack[0])
    assert (said.code, said.err) == (0, "")
    assert said.out.startswith(f"acme: proved: {stack[0]} lets in exactly what the rows demand\n  compared: ")
    found = jtel("verify", "acme", "--stack", stack[0], "--json")
    assert found.code == 0
    assert (found.json["proved"], found.json["differences"]) == (True, [])


def test_verify_names_the_difference_and_ends_with_1(jtel: Any, stack: tuple[Path, dict[str, Any]]) -> None:
    path, content = stack
    rules = content["resource"]["aws_vpc_security_group_ingress_rule"]
    key = next(key for key, rule in rules.items() if rule["from_port"] == 443 and "cidr_ipv4" in rule)
    rules[key]["to_port"] = 444
    path.write_text(json.dumps(content), encoding="utf-8")
    said = jtel("verify", "acme", "--stack", path)
    assert (said.code, said.err) == (1, "")
    assert said.out.startswith(f"acme: NOT proved: 1 difference between the rows and {path}\n  open: ")
    assert "444" in said.out
    assert key in said.out
    found = jtel("verify", "acme", "--stack", path, "--json")
    assert found.code == 1
    assert found.json["proved"] is False
    assert [difference["kind"] for difference in found.json["differences"]] == ["open"]


@pytest.mark.parametrize("option", ["--stack", "--plan", "--state"])
def test_verify_refuses_an_empty_name_of_a_file(jtel: Any, folder: Path, option: str) -> None:
    said = jtel("verify", "acme", option, "")
    assert (said.code, said.out) == (2, "")
    assert f"{option} is empty; name a file" in said.err


def test_verify_refuses_a_stack_as_a_plan_or_a_state(jtel: Any, stack: tuple[Path, dict[str, Any]]) -> None:
    for option in ("--plan", "--state"):
        said = jtel("verify", "acme", option, stack[0])
        assert said.code == 2
        assert "this is a synthesized stack; expected a " in said.err


def test_verify_refuses_a_file_that_is_no_stack(jtel: Any, folder: Path) -> None:
    said = jtel("verify", "acme", "--stack", folder / "acme.yaml")
    assert (said.code, said.out) == (2, "")
    assert said.err.startswith(f"error: {folder / 'acme.yaml'}: ")


# -- usage -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "arguments",
    [[], ["rulez"], ["rules"], ["check"], ["synth"], ["rules", "a", "b"], ["matrix", "x"], ["--json"],
     ["rules", "a", "--nope"], ["verify", "a", "--live", "--stack", "x"], ["schema", "--json"]],
    ids=" ".join,
)  # fmt: skip
def test_wrong_usage_is_exit_code_2_with_the_usage(jtel: Any, arguments: list[str]) -> None:
    said = jtel(*arguments)
    assert (said.code, said.out) == (2, "")
    assert said.err.startswith("usage: jtel")
    assert "error: " in said.err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "jtel: error: the following arguments are required: COMMAND\nHelp and examples: jtel --help\n"),
        (["chek", "a"], "; did you mean 'check'?\nHelp and examples: jtel --help\n"),
        (["check", "a", "--jsn"], "jtel check: error: unrecognized arguments: --jsn; did you mean --json?\n"),
        (["check", "a", "--nope=3"], "jtel check: error: unrecognized arguments: --nope=3\n"),
        (["rules", "a", "b"], "jtel rules: error: unrecognized arguments: b\nHelp and examples: jtel rules --help\n"),
        (["--json", "check", "a"], "unrecognized arguments: --json; options stand behind the command\n"),
        (["diagram", "a", "--by", "servers"], "; did you mean 'server'?\nHelp and examples: jtel diagram --help\n"),
        (["report", "a"], "required: -o/--output\nHelp and examples: jtel report --help\n"),
    ],
)
def test_wrong_usage_names_what_is_near_and_where_help_is(jtel: Any, arguments: list[str], words: str) -> None:
    said = jtel(*arguments)
    assert said.code == 2
    assert words in said.err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["check", ""], "ENV is empty; name an environment"),
        (["check", "acme", " "], "ENV is empty; name an environment"),
        (["diff", "", "acme"], "A is empty; name an environment or a file"),
        (["diff", "acme", ""], "B is empty; name an environment or a file"),
        (["synth", "acme", "-o", ""], "--output is empty; name a folder"),
        (["export", "acme", "-o", ""], "--output is empty; name a folder"),
        (["report", "acme", "-o", ""], "--output is empty; name a file"),
        (["diagram", "acme", "-o", ""], "--output is empty; name a file"),
        (["firewall", "acme", "--format", "csv", "-o", ""], "--output is empty; name a file"),
        (["init", "-o", ""], "--output is empty; name a file"),
        (["verify", "acme", "--plan", ""], "--plan is empty; name a file"),
        (["matrix", "--matrix", ""], "--matrix is empty; name a file"),
    ],
)
def test_a_name_that_is_empty_is_refused_and_nothing_is_written(
    jtel: Any, folder: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], words: str
) -> None:
    monkeypatch.chdir(folder)
    said = jtel(*arguments)
    assert (said.code, said.out, said.err) == (2, "", f"error: {words}\n")
    assert [path.name for path in folder.iterdir()] == ["acme.yaml"]


def test_verify_of_nothing_says_what_it_may_be_of(jtel: Any) -> None:
    said = jtel("verify")
    assert (said.code, said.out) == (2, "")
    assert said.err.startswith("error: ENV: name an environment, or ")


def test_help_names_every_command_and_the_exit_codes(jtel: Any) -> None:
    said = jtel("--help")
    assert (said.code, said.err) == (0, "")
    assert [line.split()[0] for line in said.out.splitlines() if line.startswith("    ") and line[4] != " "] == [
        *COMMANDS
    ]
    assert "Exit codes: 0 fine, 1 the answer is no, 2 wrong input or usage,\n3 cannot be told." in said.out


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_a_command_teaches_it_with_examples_that_are_right(
    jtel: Any, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    said = jtel(command, "--help")
    assert said.code == 0
    assert said.out.startswith(f"usage: jtel {command} ")
    assert "Exit codes: 0 fine" in said.out
    assert max(map(len, said.out.splitlines())) <= 80
    examples = [line.split() for line in said.out.splitlines() if line.startswith(f"  jtel {command}")]
    assert examples
    options = {word for example in examples for word in example if word.startswith("--")}
    assert options <= set(said.out.split("examples:")[0].replace(",", " ").split())


def test_an_interrupted_command_ends_quietly(jtel: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(options: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr("jtel_constructs.cli.commands.matrix.run", interrupted)
    said = jtel("matrix")
    assert (said.code, said.err) == (130, "interrupted\n")
