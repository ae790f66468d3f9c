"""The sizes that jtel installs, as servers and their roles."""

from __future__ import annotations

from jtel_constructs.matrix import Role

TOPOLOGIES: dict[str, dict[str, tuple[Role, ...]]] = {
    "small-v1": {
        "acd": ("ACD-STORE", "ACD-LB", "ACD-DBM", "ACD-DBS", "ACD-DBR", "ACD-JB"),
        "tel": ("ACD-TEL",),
    },
    "small-v2": {
        "web": ("ACD-STORE", "ACD-LB", "ACD-JB"),
        "db": ("ACD-DBM", "ACD-DBS", "ACD-DBR"),
        "tel": ("ACD-TEL",),
    },
    "small-v3": {
        "lb": ("ACD-STORE", "ACD-LB"),
        "db": ("ACD-DBM", "ACD-DBS", "ACD-DBR"),
        "jb": ("ACD-JB",),
        "tel": ("ACD-TEL",),
    },
    "large-v2": {
        "store": ("ACD-STORE",),
        "lb": ("ACD-LB",),
        "dbm": ("ACD-DBM",),
        "dbs": ("ACD-DBS", "ACD-DBR"),
        "jb": ("ACD-JB",),
        "tel": ("ACD-TEL",),
    },
    "large-v3": {
        "store": ("ACD-STORE",),
        "lb": ("ACD-LB",),
        "dbm": ("ACD-DBM",),
        "dbs": ("ACD-DBS", "ACD-DBR"),
        "jb": ("ACD-JB",),
        "tel": ("ACD-TEL",),
        "chat": ("ACD-CHAT",),
        "rest": ("ACD-REST",),
    },
    "one-role-per-server": {
        "tel": ("ACD-TEL",),
        "dbm": ("ACD-DBM",),
        "dbs": ("ACD-DBS",),
        "dbr": ("ACD-DBR",),
        "lb": ("ACD-LB",),
        "jb": ("ACD-JB",),
        "store": ("ACD-STORE",),
        "chat": ("ACD-CHAT",),
        "rest": ("ACD-REST",),
    },
}
