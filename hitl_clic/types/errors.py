"""User errors, and the sentence for a refused setting.

A `UserError` is one line that names field, value and allowed values. Every other exception is a fault. Pure functions
over pydantic fields; any thread.
"""

from __future__ import annotations

import types
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin

import annotated_types
from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo


class UserError(ValueError):
    """An error that the user can mend: a setting, a path, a missing learner. Its text is one line."""


class SettingsError(UserError):
    """A setting that is refused."""


def pairs(given: Any, example: str) -> Any:
    """A table from the command line form NAME VALUE NAME VALUE ...; other values unchanged.

    Raises:
        ValueError: a name without a value; shows the example.
    """
    if not isinstance(given, tuple | list):
        return given
    if len(given) % 2:
        raise ValueError(f"allowed: pairs NAME VALUE, for example {example}")
    return {str(name): value for name, value in zip(given[::2], given[1::2], strict=True)}


def among(names: Iterable[object]) -> str:
    """The names as "a, b or c"."""
    *first, last = [str(name) for name in names] or ["nothing"]
    return f"{', '.join(first)} or {last}" if first else last


def unknown(name: str, known: Iterable[str]) -> str:
    """The allowed names, preceded by the most similar one."""
    known = list(known)
    close = get_close_matches(name, known, n=1)
    return f"{f'did you mean {close[0]}? ' if close else ''}allowed: {', '.join(known)}"


def fields_of(kind: Any) -> Mapping[str, FieldInfo] | None:
    """The fields of a pydantic model or pydantic dataclass by name; None for other types.

    A union of models has the fields of all its models. A field with several types has a union of them.
    """
    if get_origin(kind) in (Union, types.UnionType):
        return _fields_of_all(get_args(kind))
    if isinstance(kind, type):
        if issubclass(kind, BaseModel):
            return kind.model_fields
        return getattr(kind, "__pydantic_fields__", None)
    return None


def _fields_of_all(models: Iterable[Any]) -> Mapping[str, FieldInfo] | None:
    merged: dict[str, FieldInfo] = {}
    for model in models:
        fields = fields_of(model)
        if fields is None:
            return None
        for name, field in fields.items():
            there = merged.setdefault(name, field)
            if there.annotation != field.annotation:
                either: Any = Union[there.annotation, field.annotation]  # noqa: UP007
                merged[name] = FieldInfo(annotation=either, default=there.default, description=there.description)
    return merged


def members(kind: Any) -> dict[str, type[BaseModel]]:
    """The models of a union by the default of their field `kind`; empty for any other type."""
    parts = get_args(kind) if get_origin(kind) in (Union, types.UnionType) else ()
    if not all(isinstance(part, type) and issubclass(part, BaseModel) for part in parts):
        return {}
    return {str(part.model_fields["kind"].default): part for part in parts}


def has_field(model: Any, name: str) -> bool:
    """Whether a model has a setting of this dotted name."""
    for part in name.split("."):
        fields = fields_of(model)
        if fields is None or part not in fields:
            return False
        model = without_none(fields[part].annotation)[0]
    return True


def without_none(kind: Any) -> tuple[Any, bool]:
    """The type without `| None`, and whether it was optional."""
    if get_origin(kind) in (Union, types.UnionType):
        left = [part for part in get_args(kind) if part is not types.NoneType]
        if len(left) < len(get_args(kind)) and len(left) == 1:
            return left[0], True
    return kind, False


def limits(field: FieldInfo) -> str:
    """The range of a field in words, for example "from 1 to 64"; empty if it has none."""
    low = high = ""
    for rule in field.metadata:
        match rule:
            case annotated_types.Ge(ge):
                low = f"at least {_number(ge)}"
            case annotated_types.Gt(gt):
                low = f"above {_number(gt)}"
            case annotated_types.Le(le):
                high = f"at most {_number(le)}"
            case annotated_types.Lt(lt):
                high = f"below {_number(lt)}"
    if low.startswith("at least") and high.startswith("at most"):
        return f"from {low.removeprefix('at least ')} to {high.removeprefix('at most ')}"
    return ", ".join(part for part in (low, high) if part)


def _number(value: Any) -> str:
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def allowed(field: FieldInfo) -> str:
    """The allowed values of a field in words: "a whole number from 1 to 64", "a, b or c"."""
    kind, optional = without_none(field.annotation)
    words = " ".join(part for part in (_kind_in_words(kind), limits(field)) if part)
    return f"{words} or none" if optional else words


def _kind_in_words(kind: Any) -> str:
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is Literal:
        return among(arguments)
    if origin in (Union, types.UnionType) and fields_of(kind) is None:
        return among(_kind_in_words(part) for part in arguments)
    if origin in (tuple, list):
        return f"a list, each {_kind_in_words(arguments[0])}" if arguments else "a list"
    if fields_of(kind) is not None:
        return "a table of settings"
    return {bool: "true or false", int: "a whole number", float: "a number", str: "text", Path: "a path"}.get(
        kind, getattr(kind, "__name__", str(kind))
    )


def describe(error: ValidationError, model: Any, origins: Mapping[str, str] | None = None) -> str:
    """The first validation error, as one line.

    Args:
        error: from pydantic.
        model: the validated model or dataclass.
        origins: dotted field name -> source file; "" stands for all other fields.
    """
    found = error.errors()
    first = found[0]
    path, owner, method = _found_at(first["loc"], model)
    value, known = first["input"], fields_of(owner) or {}
    about = known.get(path[-1]) if path else None
    shown = "" if isinstance(value, Mapping) else f" = {_short(value)}"
    if first["type"] == "extra_forbidden":
        of = f" of {method}" if method else ""
        text = f"{'.'.join(path)}{shown} is not a setting{of}; {unknown(path[-1], known)}"
    elif first["type"] == "missing":
        text = f"{'.'.join(path)} is missing; allowed: {allowed(about) if about else 'a value'}"
    elif first["type"] in ("value_error", "assertion_error"):
        reason = first["msg"].removeprefix("Value error, ").removeprefix("Assertion failed, ")
        named = f"{'.'.join(path)}{f'{shown} is not allowed;' if shown else ':'} " if path else ""
        text = f"{named}{reason}"
    else:
        text = f"{'.'.join(path)}{shown} is not allowed; allowed: {allowed(about) if about else first['msg']}"
    origin = (origins or {}).get(".".join(path), (origins or {}).get("", ""))
    more = f"; and {len(found) - 1} more wrong" if len(found) > 1 else ""
    return " ".join(f"{text}{f' (from {origin})' if origin else ''}{more}".split())


def _found_at(location: tuple[int | str, ...], model: Any) -> tuple[list[str], Any, str]:
    """What an error's location names.

    Returns:
        The field names, without list positions and pydantic's tags; the model of the last field; and the tag of the
        union's model that holds it, or an empty text.
    """
    path: list[str] = []
    owner, inner, tag = model, model, ""
    for part in location:
        if part in (kinds := members(inner)):
            inner, tag = kinds[str(part)], str(part)
            continue
        known = fields_of(inner)
        if known is None or not isinstance(part, str):
            break
        path.append(part)
        owner, inner = inner, without_none(known[part].annotation)[0] if part in known else None
    return path, owner, tag


def _short(value: object) -> str:
    text = str(value)
    if isinstance(value, str) and (not text or not text.isprintable() or " " in text):
        text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
