"""Wrong environment files, one a case: what is in the file, and what the message has to say.

Every case changes one thing in `GOOD`, which is right. Where a line is to blame, it ends in ``#!``.
"""

# one case a line, however long: it is a table
# ruff: noqa: E501

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv4Network
from pathlib import Path

AWS = "{cloud: aws, region: eu-central-1, vpc_id: vpc-0123456789abcdef0}"
AZURE = "{cloud: azure, location: westeurope, resource_group: rg-jtel}"
OPENSTACK = "{cloud: openstack, region: RegionOne}"
GOOD = f"""\
name: acme
redundant: true
platform: {AWS}
servers:
  - {{name: lb, roles: [ACD-LB]}}
  - {{name: tel, roles: [ACD-TEL]}}
  - {{name: db, roles: [ACD-DBM, ACD-DBS]}}
peers:
  jtel-support: [198.51.100.0/28]
  pbx: [203.0.113.10/32]
  reporting-api-users: [10.8.0.0/16]
  any: [10.0.0.0/8]
"""
SITE_RULE = "{name: metrics, from: 10.9.0.0/24, to: lb, protocol: tcp, ports: 9100, reason: metrics}"


@dataclass(frozen=True)
class Case:
    """One wrong file.

    Attributes:
        name: of the case.
        content: of the file, or what puts it there.
        where: the key that the message names; empty where the file as a whole is wrong.
        words: all stand in the message.
    """

    name: str
    content: str | bytes | Callable[[Path], None]
    where: str
    words: tuple[str, ...]

    def put(self, path: Path) -> None:
        """Write the file."""
        if callable(self.content):
            self.content(path)
        elif isinstance(self.content, bytes):
            path.write_bytes(self.content)
        else:
            path.write_text(self.content, encoding="utf-8")

    @property
    def line(self) -> int | None:
        """The line that is to blame, from 1."""
        if not isinstance(self.content, str) or "#!" not in self.content:
            return None
        return self.content[: self.content.index("#!")].count("\n") + 1


def good(old: str, new: str, more: str = "") -> str:
    """The good file with `new` in place of `old`, and more lines at its end."""
    assert GOOD.count(old) == 1, old
    return GOOD.replace(old, new) + more


def more(text: str) -> str:
    """The good file with more lines at its end."""
    return f"{GOOD}{text}\n"


def role(text: str) -> str:
    return good("[ACD-LB]}", f"{text}}}  #!")


def server(text: str) -> str:
    return good("{name: tel, roles: [ACD-TEL]}", f"{text}  #!")


def block(text: str) -> str:
    return good("any: [10.0.0.0/8]", f"any: [{text}]  #!")


def environment_name(text: str) -> str:
    return good("name: acme", f"name: {text}  #!")


def platform(text: str) -> str:
    return good(AWS, f"{text}  #!")


def site_rule(old: str, new: str) -> str:
    assert SITE_RULE.count(old) == 1, old
    return more(f"site_rules:\n  - {SITE_RULE.replace(old, new)}  #!")


def port(text: str) -> str:
    return site_rule("ports: 9100", f"ports: {text}")


def on(cloud: str, text: str) -> str:
    return good(AWS, cloud, f"{text}\n")


def _directory(path: Path) -> None:
    path.mkdir()


def _nowhere(path: Path) -> None:
    path.symlink_to(path.with_name("gone.txt"))


def _loop(path: Path) -> None:
    path.symlink_to(path)


HALVES = "0.0.0.0/1, 128.0.0.0/1"
PUBLIC = ", ".join(map(str, IPv4Network("0.0.0.0/0").address_exclude(IPv4Network("10.0.0.0/8"))))
MANY = ", ".join(f"198.51.{number}.0/28" for number in range(60))
BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{name}: &{name} [{', '.join([f'*{before}'] * 9)}]\n" for before, name in zip("abcdefg", "bcdefgh", strict=True)
)

CASES = [
    # servers
    Case("unknown role", role("[ACD-LBX]"), "servers[0].roles[0]", ("unknown value 'ACD-LBX'", "allowed: ACD-TEL", "did you mean 'ACD-LB'?")),
    Case("role in lower case", role("[acd-lb]"), "servers[0].roles[0]", ("did you mean 'ACD-LB'?",)),
    Case("role without its beginning", role("[LB]"), "servers[0].roles[0]", ("unknown value 'LB'", "did you mean 'ACD-LB'?")),
    Case("role as a number", role("[7]"), "servers[0].roles[0]", ("must be one of ACD-TEL", "not 7")),
    Case("role without a list", role("ACD-LB"), "servers[0].roles", ("must be a list, not 'ACD-LB'; write [ACD-LB]",)),
    Case("role twice", role("[ACD-LB, ACD-LB]"), "servers[0].roles", ("stands twice",)),
    Case("no roles", role("[]"), "servers[0].roles", ("the list is empty",)),
    Case("roles missing", server("{name: tel}"), "servers[1].roles", ("this key is missing",)),
    Case("server without a name", server("{roles: [ACD-TEL]}"), "servers[1].name", ("this key is missing",)),
    Case("server as text", server("tel"), "servers[1]", ("must be a mapping (key: value), not 'tel'",)),
    Case("server that is nothing", server(""), "servers[1]", ("there is no value",)),
    Case("duplicate name", server("{name: lb, roles: [ACD-TEL]}"), "servers[1].name", ("'lb' is also the name of servers[0]",)),
    Case("duplicate name by case alone", server("{name: LB, roles: [ACD-TEL]}"), "servers[1].name", ("'LB' is also the name of servers[0]", "letter case does not count")),
    Case("case differs from the topology's", good("{name: tel, roles: [ACD-TEL]}", "{name: TEL, roles: [ACD-TEL]}  #!", "topology: large-v3\n"), "servers[1].name", ("'TEL' differs from the server 'tel' of topology large-v3 by letter case alone",)),
    Case("server name with a blank", server("{name: tel one, roles: [ACD-TEL]}"), "servers[1].name", ("'tel one' is no server name",)),
    Case("server name with an umlaut", server("{name: b\u00fcro, roles: [ACD-TEL]}"), "servers[1].name", ("'b\u00fcro' is no server name", "use letters, digits")),
    Case("server name too long", server(f"{{name: {'t' * 41}, roles: [ACD-TEL]}}"), "servers[1].name", ("40 characters at the most",)),
    Case("server name of a thousand letters", server(f"{{name: {'t' * 1000}, roles: [ACD-TEL]}}"), "servers[1].name", ("ttt ... ", "40 characters at the most")),
    Case("reserved server name", server("{name: internal, roles: [ACD-TEL]}"), "servers[1].name", ("'internal' is reserved",)),
    Case("number as a server name", server("{name: 7, roles: [ACD-TEL]}"), "servers[1].name", ("must be text, not 7; put it in quotes",)),
    Case("mixed roles without an os", server("{name: tel, roles: [ACD-TEL, ACD-JB]}"), "servers[1].os", ("say which this server is: os: linux, or os: windows",)),
    Case("unknown os", server("{name: tel, roles: [ACD-TEL], os: Windows}"), "servers[1].os", ("allowed: linux, windows; did you mean 'windows'?",)),
    Case("unknown nested key", server("{name: tel, rolles: [ACD-TEL]}"), "servers[1].rolles", ("unknown key 'rolles'; allowed: name, roles, os, addresses, elsewhere, group, open_group; did you mean 'roles'?",)),
    Case("empty server list", GOOD[: GOOD.index("servers:")] + "servers: []  #!\n" + GOOD[GOOD.index("peers:") :], "servers", ("there are no servers; give a topology",)),
    Case("no servers at all", GOOD[: GOOD.index("servers:")] + GOOD[GOOD.index("peers:") :], "servers", ("there are no servers",)),
    Case("servers as a mapping", GOOD[: GOOD.index("servers:")] + "servers: {lb: [ACD-LB]}  #!\n" + GOOD[GOOD.index("peers:") :], "servers", ("must be a list",)),
    Case("unknown topology", more("topology: large-v4  #!"), "topology", ("'large-v4'", "small-v1, small-v2", "did you mean 'large-v3'?")),
    # blocks
    Case("no prefix length", block("10.0.0.0"), "peers.any[0]", ("'10.0.0.0' has no prefix length", "write 10.0.0.0/32")),
    Case("host bits", block("10.0.0.1/8"), "peers.any[0]", ("bits set right of its prefix", "for the block write 10.0.0.0/8, for the one address write 10.0.0.1/32")),
    Case("host bits in IPv6", block('"2001:db8::1/32"'), "peers.any[0]", ("for the block write 2001:db8::/32",)),
    Case("half an address", block("10.0.0/8"), "peers.any[0]", ("'10.0.0/8' is no CIDR block; write it like 203.0.113.0/28",)),
    Case("prefix of 33", block("10.0.0.0/33"), "peers.any[0]", ("is no CIDR block",)),
    Case("netmask", block("10.0.0.0/255.0.0.0"), "peers.any[0]", ("after the slash stands a number of bits",)),
    Case("leading zeros", block("010.0.0.0/8"), "peers.any[0]", ("'010.0.0.0/8' is no CIDR block",)),
    Case("IPv4-mapped", block('"::ffff:10.0.0.0/104"'), "peers.any[0]", ("is an IPv4-mapped block; write it as IPv4",)),
    Case("zone", block('"fe80::%eth0/64"'), "peers.any[0]", ("has a zone",)),
    Case("second block wrong", block("10.0.0.0/8, everyone"), "peers.any[1]", ("'everyone' is no CIDR block",)),
    Case("block as a number", block("10"), "peers.any[0]", ("must be a CIDR block such as 203.0.113.0/28, not 10",)),
    Case("block that is nothing", block("null"), "peers.any[0]", ("there is no value",)),
    Case("family off", block('"2001:db8::/32"'), "peers.any[0]", ("2001:db8::/32 is IPv6, which this environment does not use", "add ipv6 to ip_families")),
    Case("duplicate family", more("ip_families: [ipv4, ipv4]  #!"), "ip_families", ("stands twice",)),
    Case("unknown family", more("ip_families: [ipv5]  #!"), "ip_families[0]", ("allowed: ipv4, ipv6",)),
    Case("no family", more("ip_families: []  #!"), "ip_families", ("the list is empty",)),
    # peers
    Case("missing peer", good("  pbx: [203.0.113.10/32]\n", ""), "peers.pbx", ("this peer is missing and needed by sip, sips, rtp, sip-internal", "[] to let nobody in")),
    Case("no peers", GOOD[: GOOD.index("peers:")], "peers.jtel-support", ("needed by ssh-linux", "peers.any", "peers.pbx")),
    Case("null peer", good("pbx: [203.0.113.10/32]", "pbx:  #!"), "peers.pbx", ("there is no value; give a list",)),
    Case("peer as text", good("pbx: [203.0.113.10/32]", "pbx: 203.0.113.10/32  #!"), "peers.pbx", ("must be a list", "write [203.0.113.10/32]")),
    Case("peer as a mapping", good("pbx: [203.0.113.10/32]", "pbx: {ip: 203.0.113.10}  #!"), "peers.pbx", ("must be a list, not {ip: '203.0.113.10'}",)),
    Case("unknown peer", good("pbx: [203.0.113.10/32]", "pxb: [203.0.113.10/32]  #!"), "peers.pxb", ("'pxb'", "did you mean 'pbx'?")),
    # ports
    Case("port 0", port("0"), "site_rules[0].ports", ("port 0 does not exist; allowed: a port from 1 to 65535",)),
    Case("port 70000", port("70000"), "site_rules[0].ports", ("port 70000 does not exist",)),
    Case("negative port", port("-5"), "site_rules[0].ports", ("port -5 does not exist",)),
    Case("all ports from 0", port("0-65535"), "site_rules[0].ports", ("port 0 does not exist",)),
    Case("reversed range", port("200-100"), "site_rules[0].ports", ("range 200-100 is reversed; write 100-200",)),
    Case("port as a word", port("abc"), "site_rules[0].ports", ("'abc' is no port", "a range such as 5701-5801")),
    Case("port as a star", port('"*"'), "site_rules[0].ports", ("'*' is no port",)),
    Case("port as a fraction", port("80.5"), "site_rules[0].ports", ("80.5 is no port",)),
    Case("octal port", port("017"), "site_rules[0].ports", ("'017' is no plain decimal number", "octal")),
    Case("port with leading zeros", port("0080"), "site_rules[0].ports", ("'0080' is no port",)),
    Case("port in base 60", port("1:30"), "site_rules[0].ports", ("'1:30' is no plain decimal number", "base 60")),
    Case("port as true", port("true"), "site_rules[0].ports", ("is no port",)),
    Case("port that is nothing", port(""), "site_rules[0].ports", ("there is no value",)),
    Case("second port 0", port("[80, 0]"), "site_rules[0].ports[1]", ("port 0 does not exist",)),
    Case("no ports", port("[]"), "site_rules[0].ports", ("the list is empty",)),
    # open to the world
    Case("22 and all for support", good("198.51.100.0/28]", "0.0.0.0/0]  #!"), "peers.jtel-support", ("would open administration port 22 on db to the whole internet (IPv4) by ssh-linux", "port 3389 on tel", "admin_ports_open_to_world: [22]")),
    Case("7777 for all", block("0.0.0.0/0"), "peers.any", ("administration port 7777 on lb", "narrow the row (narrow: {haproxy-web: [...]})")),
    Case("7777 for all of IPv6", good("10.0.0.0/8", '"::/0"', "ip_families: [ipv4, ipv6]\n"), "peers.any", ("port 7777 on lb to the whole internet (IPv6)",)),
    Case("7777 for all in halves", block(HALVES), "peers.any", ("port 7777 on lb to the whole internet",)),
    Case("7777 for all but private addresses", block(PUBLIC), "peers.any", ("port 7777 on lb to the whole internet",)),
    Case("7777 for all by narrowing", good("10.0.0.0/8", "0.0.0.0/0", f"narrow: {{haproxy-web: [{HALVES}]}}  #!\n"), "narrow.haproxy-web", ("port 7777 on lb to the whole internet",)),
    Case("22 for all by a site rule", more(f"site_rules:\n  - {SITE_RULE.replace('10.9.0.0/24', '0.0.0.0/0').replace('9100', '1-1000')}  #!"), "site_rules[0]", ("site:metrics would open administration port 22 on lb",)),
    Case("permission for another port", more("admin_ports_open_to_world: [80]  #!"), "admin_ports_open_to_world[0]", ("must be one of 22, 3389, 7777, not 80",)),
    Case("permission as text", more('admin_ports_open_to_world: ["22"]  #!'), "admin_ports_open_to_world[0]", ("write 22 without quotes",)),
    Case("permission for everything", more("admin_ports_open_to_world: true  #!"), "admin_ports_open_to_world", ("must be a list, not true",)),
    # limits
    Case("over AWS's rules per group", good("[198.51.100.0/28]", f"[{MANY}]"), "servers", ("group acme-db has 62 ipv4 ingress rules, AWS allows 60", "group acme-lb has 259", "limits: {rules_per_security_group: 259")),
    Case("over OpenStack's quota", good("[198.51.100.0/28]", f"[{MANY}]").replace(AWS, OPENSTACK), "limits.security_group_rules", ("456 rules are needed", "quota of 100", "limits: {security_group_rules: 460}")),
    Case("over a raised limit", more("limits: {rules_per_security_group: 20}"), "servers", ("group acme-lb has 23 ipv4 ingress rules, AWS allows 20",)),
    Case("limit of another cloud", more("limits: {security_groups: 20}  #!"), "limits.security_groups", ("aws has no such limit to raise; allowed: rules_per_security_group",)),
    Case("limit where there is none", on(AZURE, "limits: {security_groups: 20}  #!"), "limits.security_groups", ("azure has no such limit",)),
    Case("limit 0", more("limits: {rules_per_security_group: 0}  #!"), "limits.rules_per_security_group", ("must be at least 1, not 0",)),
    Case("limit too high", more("limits: {security_groups_per_interface: 17}  #!"), "limits.security_groups_per_interface", ("must be at most 16, not 17",)),
    Case("limit as text", more('limits: {rules_per_security_group: "100"}  #!'), "limits.rules_per_security_group", ("must be a whole number, not '100'",)),
    Case("limit of thousands of digits", more(f"limits: {{rules_per_security_group: {'9' * 5000}}}  #!"), "limits.rules_per_security_group", ("cannot be read as a whole number",)),
    Case("unknown limit", more("limits: {rules_per_group: 100}  #!"), "limits.rules_per_group", ("unknown key", "did you mean 'rules_per_security_group'?")),
    Case("quota 0", on(OPENSTACK, "limits: {security_groups: 0}  #!"), "limits.security_groups", ("4 groups are needed",)),
    # the file
    Case("bad YAML", good("name: acme\n", "name: [acme\n"), "", ("this is not valid YAML",)),
    Case("tab", good("  pbx: [203.0.113.10/32]", "\tpbx: [203.0.113.10/32]  #!"), "", ("this is not valid YAML", "takes no tab before a key")),
    Case("key twice", more("redundant: false  #!"), "redundant", ("this key stands twice, first on line 2",)),
    Case("nested key twice", server("{name: tel, name: tel2, roles: [ACD-TEL]}"), "servers[1].name", ("this key stands twice",)),
    Case("two documents", GOOD + "---\n" + GOOD, "", ("expected a single document",)),
    Case("undefined alias", environment_name("*nobody"), "", ("found undefined alias",)),
    Case("alias of itself", environment_name("&a [*a]"), "", ("nested too deeply or too large; look for an alias that contains itself",)),
    Case("alias bomb", BOMB, "", ("nested too deeply or too large",)),
    Case("a hundred thousand brackets", f"name: {'[' * 100_000}\n", "", ("nested too deeply or too large",)),
    Case("Python object", environment_name("!!python/object/apply:os.system [ls]"), "name", ("must be text",)),
    Case("unknown tag", environment_name("!secret acme"), "", ("!secret",)),
    Case("number as a key", more("7: x  #!"), "", ("a key must be text, not 7; put it in quotes",)),
    Case("yes as a key", more("yes: x  #!"), "", ("a key must be text, not yes; put it in quotes",)),
    Case("list as a key", more("? [a, b]  #!\n: x"), "", ("a key must be text, not a list",)),
    Case("merge of a number", more("<<: 7  #!"), "", ("expected a mapping",)),
    Case("not UTF-8", good("acme", "caf\u00e9").encode("latin-1"), "", (":1: this is not UTF-8 text; save the file as UTF-8",)),
    Case("UTF-16", GOOD.encode("utf-16"), "", ("this is not UTF-8 text",)),
    Case("NUL", GOOD.encode() + b"tags: {a: '\0'}\n", "", (":13: character U+0000 has no place in a YAML file; remove it",)),
    Case("empty file", "", "", ("the file is empty",)),
    Case("only a comment", "# to be done\n", "", ("the file is empty",)),
    Case("null file", "null  #!\n", "", ("there is no value; give a mapping",)),
    Case("list at the top", "- a  #!\n- b\n", "", ("must be a mapping (key: value), not ['a', 'b']",)),
    Case("text at the top", "hello  #!\n", "", ("must be a mapping (key: value), not 'hello'",)),
    Case("JSON of a list", "[1, 2]  #!\n", "", ("must be a mapping",)),
    Case("no such file", _nowhere, "", ("there is no such file",)),
    Case("directory", _directory, "", ("this is a directory; name a YAML file in it",)),
    Case("link to itself", _loop, "", ("cannot be read: Too many levels of symbolic links",)),
    # keys and types
    Case("unknown key", good("redundant: true", "redundnt: true  #!"), "redundnt", ("unknown key 'redundnt'; allowed: name, group_prefix, redundant", "did you mean 'redundant'?")),
    Case("unknown key like no other", more("foo: bar  #!"), "foo", ("unknown key 'foo'; allowed: name, ",)),
    Case("name missing", good("name: acme\n", ""), "name", ("this key is missing",)),
    Case("redundant missing", good("redundant: true\n", ""), "redundant", ("this key is missing",)),
    Case("true as text", good("redundant: true", 'redundant: "true"  #!'), "redundant", ("must be true or false, not 'true'; write it without quotes",)),
    Case("redundant as a word", good("redundant: true", "redundant: ja  #!"), "redundant", ("must be true or false, not 'ja'",)),
    Case("number as a name", environment_name("7"), "name", ("must be text, not 7; put it in quotes",)),
    Case("date as a name", environment_name("2024-01-01"), "name", ("must be text, not 2024-01-01; put it in quotes",)),
    Case("date that does not exist", environment_name("2024-13-01"), "name", ("cannot be read as a date",)),
    Case("on as a name", environment_name("on"), "name", ("must be text, not true; put it in quotes",)),
    Case("name that is nothing", environment_name(""), "name", ("there is no value; give text",)),
    Case("name with a blank", environment_name("ac me"), "name", ("'ac me' is no environment name; use letters, digits and hyphens",)),
    Case("name with an umlaut", environment_name("k\u00f6ln"), "name", ("'k\u00f6ln' is no environment name",)),
    Case("name too long", environment_name("a" * 41), "name", ("40 characters at the most",)),
    Case("name like a group's id", environment_name("sg-acme"), "name", ("not starting with sg-",)),
    Case("name with an expression", environment_name("'${aws_vpc.main.id}'"), "name", ("is no environment name",)),
    Case("egress that YAML reads as false", more("egress: off  #!"), "egress", ("must be one of all, none, not false",)),
    Case("unknown egress", more("egress: some  #!"), "egress", ("'some'; allowed: all, none",)),
    # platforms
    Case("unknown cloud", platform("{cloud: gcp}"), "platform.cloud", ("'gcp'; allowed: aws, azure, openstack",)),
    Case("cloud in capitals", platform("{cloud: AWS}"), "platform.cloud", ("did you mean 'aws'?",)),
    Case("cloud missing", platform("{region: eu-central-1}"), "platform.cloud", ("this key is missing; allowed: aws, azure, openstack",)),
    Case("platform missing", good(f"platform: {AWS}\n", ""), "platform", ("this key is missing",)),
    Case("platform as text", platform("aws"), "platform", ("must be a mapping (key: value), not 'aws'",)),
    Case("bad region", platform(AWS.replace("eu-central-1", "Frankfurt")), "platform.region", ("'Frankfurt' is no AWS region such as eu-central-1",)),
    Case("bad VPC id", platform(AWS.replace("vpc-0123456789abcdef0", "my-vpc")), "platform.vpc_id", ("'my-vpc' is no VPC id such as vpc-0123456789abcdef0",)),
    Case("expression as a VPC id", platform(AWS.replace("vpc-0123456789abcdef0", "'${aws_vpc.main.id}'")), "platform.vpc_id", ("is no VPC id",)),
    Case("VPC id missing", platform("{cloud: aws, region: eu-central-1}"), "platform.vpc_id", ("this key is missing",)),
    Case("key of another cloud", platform(AWS.replace("}", ", location: westeurope}")), "platform.location", ("unknown key 'location'; allowed: cloud, region, vpc_id",)),
    Case("bad location", platform(AZURE.replace("westeurope", '"west-europe!"')), "platform.location", ("is no Azure location such as westeurope",)),
    Case("bad resource group", platform(AZURE.replace("rg-jtel", '"rg."')), "platform.resource_group", ("'rg.' is no resource group name",)),
    Case("bad subscription", platform(AZURE.replace("}", ", subscription_id: abc}")), "platform.subscription_id", ("'abc' is no subscription id (a UUID)",)),
    Case("bad OpenStack region", platform('{cloud: openstack, region: "Region One"}'), "platform.region", ("'Region One' is no name",)),
    Case("address groups as text", platform('{cloud: openstack, address_groups: "yes"}'), "platform.address_groups", ("must be true or false",)),
    # backends
    Case("bad backend type", more("backend: {type: gcs}  #!"), "backend.type", ("'gcs'; allowed: local, s3, azurerm, http, cloud",)),
    Case("backend type missing", more("backend: {path: x}  #!"), "backend.type", ("this key is missing",)),
    Case("unknown backend key", more("backend: {type: local, pth: x}  #!"), "backend.pth", ("unknown key 'pth'; allowed: type, path; did you mean 'path'?",)),
    Case("backend key missing", more("backend: {type: s3, bucket: b, key: k}  #!"), "backend.region", ("this key is missing",)),
    Case("secret in the backend", more("backend: {type: s3, bucket: b, key: k, region: r, secret_key: s}  #!"), "backend.secret_key", ("unknown key 'secret_key'",)),
    Case("bad HTTP method", more('backend: {type: http, address: "https://state.example", lock_method: lock}  #!'), "backend.lock_method", ("allowed: LOCK, POST, PUT; did you mean 'LOCK'?",)),
    Case("backend as text", more("backend: s3  #!"), "backend", ("must be a mapping",)),
    # tags
    Case("tag key that AWS refuses", more('tags: {"a?b": c}  #!'), "tags.a?b", ("'a?b' is no tag key on AWS",)),
    Case("tag value that AWS refuses", more('tags: {team: "c?"}  #!'), "tags.team", ("'c?' is no tag value on AWS",)),
    Case("tag that is ours", more("tags: {Name: x}  #!"), "tags.Name", ("'Name' is set by this library",)),
    Case("too many tags on AWS", more(f"tags: {{{', '.join(f'k{number}: v' for number in range(48))}}}  #!"), "tags", ("48 tags; AWS takes 50",)),
    Case("tag key that Azure refuses", on(AZURE, 'tags: {"a<b": c}  #!'), "tags.a<b", ("is no tag name on Azure",)),
    Case("tag too long for OpenStack", on(OPENSTACK, f"tags: {{team: {'x' * 300}}}  #!"), "tags.team", ("is longer than 255 characters",)),
    Case("tag as a number", more("tags: {team: 7}  #!"), "tags.team", ("must be text, not 7; put it in quotes",)),
    Case("tags as a list", more("tags: [team]  #!"), "tags", ("must be a mapping (key: value), not ['team']",)),
    # supplements, narrow
    Case("unknown supplement", more("supplements: [database-backnd]  #!"), "supplements[0]", ("unknown supplement 'database-backnd'", "did you mean 'database-backend'?")),
    Case("supplement twice", more("supplements: [store-cluster, store-cluster]  #!"), "supplements[1]", ("stands twice",)),
    Case("supplements without a list", more("supplements: store-cluster  #!"), "supplements", ("write [store-cluster]",)),
    Case("narrow of a row without any", more("narrow: {ssh-linux: [10.8.0.0/16]}  #!"), "narrow.ssh-linux", ("'ssh-linux' is no row with the peer any; rows that can be narrowed: http",)),
    Case("narrow of an unknown row", more("narrow: {haproxy-wb: [10.8.0.0/16]}  #!"), "narrow.haproxy-wb", ("did you mean 'haproxy-web'?",)),
    Case("narrow outside any", more("narrow: {http: [192.168.0.0/16]}  #!"), "narrow.http[0]", ("192.168.0.0/16 is not inside the peer any (10.0.0.0/8)", "narrowing never widens")),
    Case("narrow with host bits", more("narrow: {http: [10.8.0.1/16]}  #!"), "narrow.http[0]", ("has bits set right of its prefix",)),
    Case("narrow to nothing", more("narrow: {http: }  #!"), "narrow.http", ("there is no value; give a list",)),
    # site rules
    Case("site rule without a reason", site_rule(", reason: metrics", ""), "site_rules[0].reason", ("this key is missing",)),
    Case("site rule with an empty reason", site_rule("reason: metrics", 'reason: ""'), "site_rules[0].reason", ("the text is empty",)),
    Case("site rule to an unknown server", site_rule("to: lb", "to: web"), "site_rules[0].to", ("unknown destination 'web'; allowed: db, lb, tel",)),
    Case("site rule to a role of nobody", site_rule("to: lb", "to: ACD-REST"), "site_rules[0].to", ("no server here has the role ACD-REST",)),
    Case("site rule from nowhere", site_rule("from: 10.9.0.0/24", "from: [db, lbb]"), "site_rules[0].from[1]", ("unknown source 'lbb'", "did you mean 'lb'?")),
    Case("site rule from a wrong block", site_rule("from: 10.9.0.0/24", "from: 10.9.0.1/24"), "site_rules[0].from", ("has bits set right of its prefix",)),
    Case("site rule from a wrong group", site_rule("from: 10.9.0.0/24", 'from: "group:sg-xyz"'), "site_rules[0].from", ("'sg-xyz' is no id of a group on aws",)),
    Case("site rule over ICMP", site_rule("protocol: tcp", "protocol: icmp"), "site_rules[0].protocol", ("'icmp'; allowed: tcp, udp",)),
    Case("site rule with a bad name", site_rule("name: metrics", "name: My Rule"), "site_rules[0].name", ("'My Rule' is no key; use lower-case letters",)),
    Case("site rules of one name", more(f"site_rules:\n  - {SITE_RULE}\n  - {SITE_RULE}  #!"), "site_rules[1].name", ("'metrics' is also the name of site_rules[0]",)),
    Case("site rules as a mapping", more("site_rules: {metrics: 9100}  #!"), "site_rules", ("must be a list",)),
    # a matrix of one's own
    Case("matrix that is not there", more("matrix: ports.yaml  #!"), "matrix", ("ports.yaml: there is no such file",)),
    Case("matrix that is a folder", more("matrix: .  #!"), "matrix", ("this is a directory",)),
    Case("matrix that is none", more("matrix: wrong.yaml  #!"), "matrix", ("wrong.yaml: this is an environment file, no matrix; a matrix file has the form of ",)),
    # what a person most likely did, and how to mend it
    Case("address with two colons in brackets", block("10.0.0.0/8, ::/0"), "", ('put the address in quotes: "::/0"',)),
    Case("address that ends in two colons in brackets", block("fd00::, 10.0.0.0/8"), "", ('put the address in quotes: "fd00::"',)),
    Case("address that ends in two colons", good("any: [10.0.0.0/8]", "any:\n    - fd00::  #!"), "peers.any[0]", ('put the address in quotes: "fd00::"',)),
    Case("address with colons without a list", good("any: [10.0.0.0/8]", "any: ::/0  #!"), "peers.any", ('write ["::/0"]',)),
    Case("no blank after a colon", good("redundant: true", "redundant:true  #!"), "", ("a blank is missing after the colon; write redundant: true",)),
    Case("no blank after a colon before braces", good("platform: {", "platform:{").replace("\nservers", "  #!\nservers"), "", ("a blank is missing after the colon; write platform: {cloud",)),
    Case("no blank after a colon in braces", server("{name:tel, roles: [ACD-TEL]}"), "servers[1]", ("unknown key 'name:tel'", "a blank is missing after the colon; write name: tel")),
    Case("no blank after a colon in the platform", platform(AWS.replace("cloud: aws", "cloud:aws")), "platform.cloud", ("this key is missing", "a blank is missing after the colon; write cloud: aws")),
    Case("no blank after a dash", good("  - {name: lb, roles: [ACD-LB]}", "  -{name: lb, roles: [ACD-LB]}  #!"), "", ("a blank is missing after the dash",)),
    Case("no colon", good("redundant: true", "redundant true  #!"), "", ("a colon is missing after 'redundant'; write redundant: true",)),
    Case("an equals sign for a colon", good("redundant: true", "redundant = true  #!"), "", ("a colon is missing after 'redundant'; write redundant: true",)),
    Case("no colon before a list", good("servers:", "servers  #!"), "", ("a colon is missing after 'servers'; write servers:",)),
    Case("no colon in a mapping", good("pbx: [203.0.113.10/32]", "pbx [203.0.113.10/32]  #!"), "", ("a colon is missing after 'pbx'; write pbx: [203.0.113.10/32]",)),
    Case("no colon in braces", server("{name tel, roles: [ACD-TEL]}"), "servers[1]", ("a colon is missing after 'name'; write name: tel",)),
    Case("colon in a text", more("site_rules:\n  - name: a\n    reason: monitoring: all of it  #!"), "", ('put a text with a colon in quotes: reason: "monitoring: all of it"',)),
    Case("blank that does not break", good("redundant: true", "redundant:\u00a0true  #!"), "", ("it holds U+00A0, no-break space in place of a blank",)),
    Case("indent of a blank that does not break", good("  pbx: [203.0.113.10/32]", "\u00a0 pbx: [203.0.113.10/32]  #!"), "", ("no-break space in place of a blank",)),
    Case("invisible character in a key", good("redundant: true", "redun\u200bdant: true  #!"), "", ("it holds an invisible character after 'redun' (U+200B, zero width space); delete it",)),
    Case("invisible character before a key", good("redundant: true", "\u2060redundant: true  #!"), "", ("it holds an invisible character at its start (U+2060, word joiner); delete it",)),
    Case("invisible character in a value", environment_name("acme\u200d"), "name", ("it holds an invisible character after 'acme' (U+200D, zero width joiner); delete it",)),
    Case("invisible character in a block", block('"10.0.0.0/8\u200b"'), "peers.any[0]", ("it holds an invisible character after '10.0.0.0/8'",)),
    Case("Cyrillic letter in a key", good("name: acme", "n\u0430me: acme  #!"), "", ("did you mean 'name'? it holds \u0430 (U+0430, cyrillic small letter a) in place of a",)),
    Case("Cyrillic letter in a role", role("[\u0410CD-LB]"), "servers[0].roles[0]", ("(U+0410, cyrillic capital letter a) in place of A",)),
    Case("Cyrillic letter in a VPC id", platform(AWS.replace("vpc-", "v\u0440c-")), "platform.vpc_id", ("(U+0440, cyrillic small letter er) in place of p",)),
    Case("Cyrillic letter in a server's name where a rule names it", site_rule("to: lb", "to: l\u042c"), "site_rules[0].to", ("unknown destination",)),
    Case("Greek letter in a name", environment_name("\u0391cme"), "name", ("(U+0391, greek capital letter alpha) in place of A",)),
    Case("wide letter in a name", environment_name("\uff41cme"), "name", ("(U+FF41, fullwidth latin small letter a) in place of a",)),
    Case("wide colon", good("redundant: true", "redundant\uff1a true  #!"), "", ("(U+FF1A, fullwidth colon) in place of :",)),
    Case("typographic quotes", environment_name("\u201cacme\u201d"), "name", ("(U+201C, left double quotation mark) in place of a plain quote",)),
    Case("typographic quotes round a block", block("\u201e10.0.0.0/8\u201c"), "peers.any[0]", ("(U+201E, double low-9 quotation mark) in place of a plain quote",)),
    Case("typographic quotes round a key", good("redundant: true", "\u2018redundant\u2019: true  #!"), "", ("in place of a plain quote",)),
    Case("long dash in a block", block("10.0.0.0\u20138"), "peers.any[0]", ("(U+2013, en dash) in place of the hyphen -",)),
    Case("alias to a list in a list", good("pbx: [203.0.113.10/32]", "pbx: &pbx [203.0.113.10/32]").replace("any: [10.0.0.0/8]", "any: [*pbx, 10.0.0.0/8]"), "peers.any[0]", ("this is a list in the list", "YAML does not join lists: write the entries themselves")),
    Case("list of roles in a list", role("[[ACD-LB]]"), "servers[0].roles[0]", ("this is a list in the list",)),
    Case("list of ports in a list", port("[80, [443]]"), "site_rules[0].ports[1]", ("this is a list in the list",)),
    Case("list of servers in a list", server("[{name: tel, roles: [ACD-TEL]}]"), "servers[1]", ("this is a list in the list",)),
    Case("merge twice", server("{<<: {os: linux}, <<: {name: tel}, roles: [ACD-TEL]}"), "servers[1].<<", ("this key stands twice", "to merge two mappings write <<: [*one, *two]")),
    Case("key twice beside a merge", server("{<<: {os: linux}, name: tel, name: tel2, roles: [ACD-TEL]}"), "servers[1].name", ("this key stands twice",)),
    Case("key twice in what is merged", server("{<<: {os: linux, os: windows}, name: tel, roles: [ACD-TEL]}"), "servers[1].os", ("this key stands twice",)),
    Case("ports in one text", port('"80,443"'), "site_rules[0].ports", ("'80,443' is no port", "several ports are a list: [80, 443]")),
    Case("ports and ranges in one text", port("80; 5701-5801"), "site_rules[0].ports", ("several ports are a list: [80, 5701-5801]",)),
    Case("ports without brackets", port("80, 443"), "site_rules[0]", ("a key must be text, not 443", "put these in brackets: [..., 443]")),
    Case("range with a colon", port('"5701:5801"'), "site_rules[0].ports", ("a range is written with a hyphen: 5701-5801",)),
    Case("range with a long dash", port("5701\u20135801"), "site_rules[0].ports", ("a range is written with a hyphen: 5701-5801",)),
    Case("port with its protocol", port("22/tcp"), "site_rules[0].ports", ("write 22, and the protocol in its own key",)),
    Case("every port as a star", port("*"), "", ("* begins an alias in YAML", "1-65535 for every port")),
    Case("every port as a word", port("any"), "site_rules[0].ports", ("for every port write 1-65535",)),
    Case("token as a port", port('"${TfToken[TOKEN.7]}"'), "site_rules[0].ports", ("a file holds no CDKTF tokens", "write the value itself")),
    Case("number token as a port", port("-1.8881545897087827e+289"), "site_rules[0].ports", ("a token, which only the deployment knows, cannot be a port",)),
    Case("group as a source", site_rule("from: 10.9.0.0/24", "from: sg-0123456789abcdef0"), "site_rules[0].from", ("'sg-0123456789abcdef0' is the id of a group outside; write group:sg-0123456789abcdef0",)),
    Case("group of another account as a source", site_rule("from: 10.9.0.0/24", "from: 123456789012/sg-0123456789abcdef0"), "site_rules[0].from", ("write group:123456789012/sg-0123456789abcdef0",)),
    Case("group as a source on OpenStack", on(OPENSTACK, f"site_rules:\n  - {SITE_RULE.replace('10.9.0.0/24', '01234567-89ab-cdef-0123-456789abcdef')}  #!"), "site_rules[0].from", ("write group:01234567-89ab-cdef-0123-456789abcdef",)),
    Case("group as a source on Azure", on(AZURE, f"site_rules:\n  - {SITE_RULE.replace('10.9.0.0/24', '/subscriptions/s/resourceGroups/r/providers/Microsoft.Network/applicationSecurityGroups/a')}  #!"), "site_rules[0].from", ("is the id of a group outside; write group:/subscriptions/s",)),
    Case("group as a peer", block("sg-0123456789abcdef0"), "peers.any[0]", ("is a group, not a block of addresses", "site_rules with from: group:sg-0123456789abcdef0")),
    Case("server as a group", site_rule("from: 10.9.0.0/24", 'from: "group:db"'), "site_rules[0].from", ("'db' is no id of a group on aws", "for the servers of db leave group: out")),
    Case("notice that there is not", more("acknowledged: [brodcast]  #!"), "acknowledged[0]", ("unknown notice 'brodcast'", "did you mean 'broadcast'?")),
]  # fmt: skip
