"""`jtel matrix`: the documented rows."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import Any

from jtel_constructs.cli.common import print_json
from jtel_constructs.cli.tables import print_table, say
from jtel_constructs.matrix import Matrix, Row, SupplementRow, load_matrix

HELP = "the documented rows"
DESCRIPTION = "Print the rows of the jtel document, the supplements, peers and glossary."
EXAMPLES = (
    "jtel matrix",
    "jtel matrix --matrix ports.yaml",
)


def arguments(parser: ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument("--json", action="store_true", help="for programs: JSON on standard output")
    parser.add_argument("--matrix", metavar="FILE", help="a matrix file of your own instead of the jtel document")


def run(options: Namespace) -> int:
    """Run the command; the exit code."""
    known = load_matrix(options.matrix)
    if options.json:
        print_json(_matrix_json(known))
    else:
        _print_matrix(known)
    return 0


def _matrix_json(known: Matrix) -> dict[str, Any]:
    def row_json(row: Row | SupplementRow) -> dict[str, Any]:
        values = row.model_dump(mode="json")
        values["ports"] = [{"first": ports.first, "last": ports.last} for ports in row.ports]
        return values

    return {
        "rows": [row_json(row) for row in known.rows],
        "supplements": [
            {
                "key": supplement.key,
                "title": supplement.title,
                "note": supplement.note,
                "documented": False,
                "rows": [row_json(row) for row in supplement.rows],
            }
            for supplement in known.supplements
        ],
        "peers": [peer.model_dump(mode="json") for peer in known.peers],
        "glossary": [entry.model_dump(mode="json") for entry in known.glossary],
    }


def _held(redundant: bool, non_redundant: bool) -> str:
    return "always" if redundant and non_redundant else "redundant" if redundant else "non-redundant"


def _print_matrix(known: Matrix) -> None:
    """The rows and supplements of a matrix."""
    print_table(
        f"{len(known.rows)} rows of the jtel document",
        ("row", "protocol", "from", "to", "ports", "holds", "what for", "where"),
        (
            (
                row.key,
                "+".join(row.protocols),
                ", ".join(row.sources),
                row.destination,
                ", ".join(map(str, row.ports)),
                _held(row.redundant, row.non_redundant),
                row.title,
                f"{row.place.table} {row.place.row}",
            )
            for row in known.rows
        ),
        wrap="what for",
        optional=("where", "what for", "holds"),
    )
    say("Between the servers, every port that is required from outside is required as well (the document's note).")
    print()
    print_table(
        "Supplements, not in the jtel document, off by default",
        ("supplement", "row", "protocol", "from", "to", "ports", "what for"),
        (
            (
                supplement.key,
                row.key,
                "+".join(row.protocols),
                ", ".join(row.sources),
                row.destination,
                ", ".join(map(str, row.ports)),
                row.title,
            )
            for supplement in known.supplements
            for row in supplement.rows
        ),
        wrap="what for",
        optional=("what for", "row"),
    )
    for supplement in known.supplements:
        say(f"{supplement.key}: {supplement.note}")
    print()
    print_table(
        "Peers, outside the environment",
        ("peer", "in the document", "who"),
        ((peer.name, peer.title, peer.note) for peer in known.peers),
        wrap="who",
    )
    print_table(
        "Glossary",
        ("system", "roles", "function"),
        ((entry.system, ", ".join(entry.roles), entry.function) for entry in known.glossary),
        wrap="function",
    )
