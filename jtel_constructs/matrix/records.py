"""Records that are read from files, and what is said of a file that has them wrong."""

from __future__ import annotations

import re
from datetime import date
from typing import TYPE_CHECKING, Any, get_args

from pydantic import (
    BaseModel,
    ConfigDict,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    ValidationError,
    model_validator,
)
from pydantic_core import ErrorDetails, PydanticCustomError
from pydantic_core.core_schema import CoreSchema, no_info_before_validator_function

from jtel_constructs.errors import InputError, Problem, one_of, suggestion
from jtel_constructs.matrix.files import KeyPath, path_text, shown


class OneOrMany:
    """Marks a key that takes a list, or a single value instead of a list of one."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return no_info_before_validator_function(self._listed, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        many = handler(schema)
        return {"anyOf": [many["items"], {**many, "minItems": 1}]}

    @staticmethod
    def _listed(value: Any) -> Any:
        return value if isinstance(value, list | tuple) else (value,)


class Record(BaseModel):
    """Base of every record that is read from a file: frozen, strict, and no unknown key.

    Raises:
        InputError: values that are wrong, where somebody makes one in Python.
    """

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", defer_build=True)

    if not TYPE_CHECKING:

        def __init__(self, **values: Any) -> None:
            try:
                self.__pydantic_validator__.validate_python(values, self_instance=self)
            except ValidationError as error:
                name = type(self).__name__
                problems = validation_problems(error, type(self))
                raise InputError([Problem(path_text((name, *where)), message) for where, message in problems]) from None

        # pydantic builds what is nested in a record without it, and reports all that is wrong together
        __init__.__pydantic_base_init__ = True

    @model_validator(mode="before")
    @classmethod
    def _lists_as_tuples(cls, data: Any) -> Any:
        return {key: _frozen(value) for key, value in data.items()} if isinstance(data, dict) else data


def wrong_at(where: KeyPath, message: str) -> PydanticCustomError:
    """The error of a validator that knows which key below its own is wrong."""
    return PydanticCustomError("wrong_at", "wrong", {"where": where, "message": message})


def _frozen(value: Any) -> Any:
    """Lists as tuples, which is what strict records take."""
    if isinstance(value, list):
        return tuple(_frozen(item) for item in value)
    if isinstance(value, dict):
        return {key: _frozen(item) for key, item in value.items()}
    return value


_TYPES = {
    "string_type": "text",
    "bool_type": "true or false",
    "int_type": "a whole number",
    "list_type": "a list",
    "tuple_type": "a list",
    "dict_type": "a mapping (key: value)",
    "model_type": "a mapping (key: value)",
    "model_attributes_type": "a mapping (key: value)",
    "is_instance_of": "a mapping (key: value)",
}
_UNIONS = ("platform", "backend")
_MEND_NOTHING = "or leave out a key that you do not need"


def validation_problems(error: ValidationError, model: type[Record]) -> list[tuple[KeyPath, str]]:
    """pydantic's errors in the words of this library, each with the path of its key; `model` is what was read."""
    errors = [(tuple(details["loc"]), details) for details in error.errors(include_url=False)]
    meant = {
        (*place[:-1], suggestion(place[-1], _known_keys(model, place[:-1])))
        for place, details in errors
        if details["type"] == "extra_forbidden"
    }
    problems: list[tuple[KeyPath, str]] = []
    for place, details in errors:
        # One mistake, one message: pydantic leaves wrong entries out and then finds the list too short, and misses the
        # key that a misspelled one was meant to be.
        follows = (details["type"] == "missing" and place in meant) or (
            details["type"] == "too_short"
            and any(len(other) > len(place) and other[: len(place)] == place for other, _ in errors)
        )
        if not follows:
            allowed = []
            if details["type"] == "extra_forbidden":
                allowed = _known_keys(model, place[:-1])
            elif details["type"] == "union_tag_not_found":
                allowed = _tags(model, place)
            problems.append(_explain(_key_path(place), details, allowed))
    return problems


def _key_path(place: tuple[str | int, ...]) -> KeyPath:
    # pydantic puts the tag of a union (`aws`, `s3`) and `[key]` into the path; no key of the file has those names
    return tuple(
        part for index, part in enumerate(place) if part != "[key]" and not (index == 1 and place[0] in _UNIONS)
    )


def _known_keys(model: type[Record], place: tuple[str | int, ...]) -> list[str]:
    """The keys that the record at a place takes. A part of the place is a key, an index, or the tag of a union."""
    records = [model]
    for part in place:
        fields = [
            field for record in records for name, field in record.model_fields.items() if part in (name, field.alias)
        ]
        tagged = [
            record
            for record in records
            for field in record.model_fields.values()
            if get_args(field.annotation) == (part,)
        ]
        records = [record for field in fields for record in _records(field.annotation)] or tagged or records
    return [field.alias or name for name, field in records[0].model_fields.items()]


def _tags(model: type[Record], place: tuple[str | int, ...]) -> list[str]:
    """The values that tell the records of a union apart."""
    return [
        value
        for record in _records(model.model_fields[str(place[0])].annotation)
        for value in get_args(next(iter(record.model_fields.values())).annotation)
    ]


def _records(annotation: Any) -> list[type[Record]]:
    """The record types in a type."""
    if isinstance(annotation, type) and issubclass(annotation, Record):
        return [annotation]
    return [record for part in get_args(annotation) for record in _records(part)]


def _explain(where: KeyPath, details: ErrorDetails, allowed: list[str]) -> tuple[KeyPath, str]:
    kind, context, value = details["type"], details.get("ctx", {}), details.get("input")
    if kind == "extra_forbidden":
        near = suggestion(where[-1], allowed)
        hint = f"; did you mean {near!r}?" if near else ""
        return where, f"unknown key {where[-1]!r}; allowed: {', '.join(allowed)}{hint}"
    if kind == "wrong_at":
        return (*where, *context["where"]), context["message"]
    if kind == "union_tag_not_found":
        return (*where, context["discriminator"].strip("'")), f"this key is missing; allowed: {', '.join(allowed)}"
    if kind == "union_tag_invalid":
        tags = [part.strip().strip("'") for part in context["expected_tags"].split(",")]
        return (*where, context["discriminator"].strip("'")), one_of(context["tag"], tags, "value")
    return where, _message(kind, context, value, details["msg"])


def _message(kind: str, context: dict[str, Any], value: object, otherwise: str) -> str:
    if kind == "missing":
        return "this key is missing"
    if kind == "value_error":
        return str(context["error"])
    if kind in ("literal_error", "enum"):
        return _not_among(value, context["expected"])
    if kind in _TYPES:
        if value is None:
            return f"there is no value; give {_TYPES[kind]}, {_MEND_NOTHING}"
        return f"must be {_TYPES[kind]}, not {shown(value)}{_mend(kind, value)}"
    if kind == "too_short":
        return "the list is empty"
    if kind == "string_too_short":
        return "the text is empty"
    if kind == "greater_than_equal":
        return f"must be at least {context['ge']}, not {shown(value)}"
    if kind == "less_than_equal":
        return f"must be at most {context['le']}, not {shown(value)}"
    return f"{otherwise[:1].lower()}{otherwise[1:]}, not {shown(value)}"


def _not_among(value: object, expected: str) -> str:
    """The message for a value outside a closed set, from pydantic's list of that set."""
    allowed = [part.strip() for part in expected.replace(" or ", ", ").split(",")]
    names = [part.strip("'") for part in allowed]
    if value is None:
        return f"there is no value; give one of {', '.join(names)}, {_MEND_NOTHING}"
    if isinstance(value, str) and value in allowed:
        return f"{value!r} is text; write {value} without quotes"
    if not isinstance(value, str):
        return f"must be one of {', '.join(names)}, not {shown(value)}"
    return one_of(value, names, "value")


def _mend(kind: str, value: object) -> str:
    if kind == "string_type" and isinstance(value, int | float | date):
        return "; put it in quotes"
    if kind in ("list_type", "tuple_type") and isinstance(value, str | int) and not isinstance(value, bool):
        # in brackets YAML takes no colons and commas without quotes
        return f"; write [{value}]" if re.fullmatch(r"[\w./-]+", str(value)) else f'; write ["{value}"]'
    if kind == "bool_type" and isinstance(value, str) and value.lower() in ("true", "false"):
        return "; write it without quotes"
    return ""
