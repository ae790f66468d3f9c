"""Prefix lists of AWS in Terraform's files: their own entries, and entries that are resources of their own."""

from __future__ import annotations

from jtel_constructs.reach.packets import Block, Selector, parse_block
from jtel_constructs.readers.documents import Document, Resource, Shape
from jtel_constructs.readers.groups import Groups
from jtel_constructs.readers.mirrors import Listing, listing
from jtel_constructs.readers.values import Expression, Unknown, Unreadable, blocks_of, need_text, shown

PREFIX_LIST = "aws_ec2_managed_prefix_list"
PREFIX_LIST_ENTRY = "aws_ec2_managed_prefix_list_entry"
_TO_LOOK_AGAIN = "look again: `terraform apply -refresh-only`, then prove the state"


def cidr(value: str, version: int | None = None) -> Block:
    """A block of addresses, which EC2 wants in its network form."""
    block = parse_block(value)
    if block is None or version not in (None, block.version):
        raise Unreadable(f"{value!r} is no IPv{version or '4 or IPv6'} block in its network form")
    return block


class PrefixLists:
    """The prefix lists of a file, each read once."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._lists = Groups.of(document, (PREFIX_LIST,), "aws")
        self._entries: dict[str | None, list[Resource]] = {}
        for resource in document.resources:
            if resource.type == PREFIX_LIST_ENTRY:
                value = resource.values.get("prefix_list_id")
                key = self._lists.find(value)
                vague = isinstance(value, Unknown) or (isinstance(value, Expression) and not value.foreign)
                if key is not None or vague or value is None:
                    self._entries.setdefault(key, []).append(resource)
        self._gone = {
            (self._lists.find(one.values.get("prefix_list_id")), one.values.get("cidr"))
            for one in document.departing
            if one.type == PREFIX_LIST_ENTRY
        }
        self._sides: dict[str, Selector] = {}

    def find(self, value: object) -> str | None:
        """The list of the file that a reference or an id names."""
        return self._lists.find(value)

    def side(self, value: object) -> Selector:
        """Whom a prefix list names; a list without entries names nobody."""
        key = self._lists.find(value)
        if key is None:
            raise Unreadable(f"prefix list {shown(value)} is not in the file")
        if key not in self._sides:
            self._sides[key] = Selector(blocks=tuple(dict.fromkeys(self._blocks(key))))
        return self._sides[key]

    def _blocks(self, key: str) -> list[Block]:
        resource = self._lists.by_key[key]
        if resource.unsupported:
            raise Unreadable(f"prefix list {key}: {resource.unsupported[0]}")
        for entry in self._entries.get(None, ()):
            raise Unreadable(f"{entry.address} may add to prefix list {key}")
        separate = self._entries.get(key, [])
        blocks = []
        for entry in separate:
            if entry.unsupported:
                raise Unreadable(f"{entry.address}: {entry.unsupported[0]}")
            blocks.append(cidr(need_text(entry.values, "cidr")))
        value = resource.values.get("entry")
        removed = any(of == key for of, _ in self._gone)
        what = listing(resource, "entry", bool(separate) or removed, self._lists, ())
        if value is None or (isinstance(value, Unknown) and what is not Listing.DECLARED):
            # a new list has the entries that the file gives it, and no others; dynamic ones do not show in a plan
            if not separate and (value is not None or self._document.shape is Shape.STACK):
                raise Unreadable(f"prefix list {key} has no entries in this file")
            return blocks
        own = [cidr(need_text(entry, "cidr")) for entry in blocks_of(resource.values, "entry")]
        if separate and what is Listing.DECLARED:
            raise Unreadable(f"prefix list {key} sets entries and has separate ones too; each apply removes the others")
        if what in (Listing.COPY, Listing.FRESH):
            # of a copy counts what no resource of the file makes, or takes away
            gone = {parse_block(text) for of, text in self._gone if of == key and isinstance(text, str)}
            more = [block for block in own if block not in blocks and block not in gone]
            if what is Listing.FRESH:
                return [*blocks, *more]
            if more:
                message = f"prefix list {key} lists {len(more)} more entries than this file makes, as last refreshed"
                raise Unreadable(message, settle=_TO_LOOK_AGAIN)
            return blocks
        return own
