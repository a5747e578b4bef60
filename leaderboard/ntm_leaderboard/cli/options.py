"""The options of a command, from the dataclasses that the Python API uses."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import MISSING, dataclass
from typing import Annotated, Any, get_args, get_origin, get_type_hints

import tyro

from ntm_leaderboard.docstrings import description, field_docs

TITLES = {"train": "training options"}
"""Headings of groups, by the field, where it is not the field's name that the heading has."""


@dataclass(frozen=True)
class Option:
    """An option of the command line, or a positional argument.

    Attributes:
        name: As it is typed, such as ``--model.hidden-size``; of a positional argument in capitals.
        hint: Type of its value.
        default: Its default value; `dataclasses.MISSING` if it has to be given.
        text: Its description.
        metavar: Placeholder of the value; None for what the type suggests.
        positional: Whether it is a positional argument.
    """

    name: str
    hint: Any
    default: Any
    text: str
    metavar: str | None
    positional: bool

    @property
    def negative(self) -> str:
        """The name that turns a flag off."""
        stem, dot, last = self.name.removeprefix("--").rpartition(".")
        return f"--{stem}{dot}no-{last}"


@dataclass(frozen=True)
class Group:
    """Options that belong together: the fields of one dataclass.

    Attributes:
        title: Heading, such as ``model options``.
        text: Paragraphs about them.
        options: The options.
    """

    title: str
    text: list[str]
    options: list[Option]


def groups(options: type[Any]) -> list[Group]:
    """Return the options of a dataclass, and those of each dataclass that is a field of it."""
    return list(_groups(options, None, "options", ""))


def extended(options: type[Any], fields: list[Any]) -> type[Any]:
    """Return a dataclass of options with further fields."""
    made = dataclasses.make_dataclass(options.__name__, fields, bases=(options,), frozen=True, kw_only=True)
    made.__doc__ = options.__doc__
    return made


def _groups(kind: type[Any], instance: Any, title: str, prefix: str) -> Iterator[Group]:
    """Yield the group of a dataclass and those of its fields, with the defaults of an instance if given."""
    hints, texts = get_type_hints(kind, include_extras=True), field_docs(kind)
    own, nested = [], []
    for field in dataclasses.fields(kind):
        hint, *metadata = _unwrapped(hints[field.name])
        named = next((data for data in metadata if hasattr(data, "metavar")), None)
        default = field.default_factory() if field.default_factory is not MISSING else field.default
        if instance is not None:
            default = getattr(instance, field.name)
        label = field.name if named is None or named.name is None else named.name
        if dataclasses.is_dataclass(hint):
            inner = f"{prefix}{label}." if label else prefix
            nested.append(_groups(hint, default, TITLES.get(field.name, f"{field.name} options"), inner))  # type: ignore[arg-type]
            continue
        positional = tyro.conf.Positional in metadata
        typed = label.upper() if positional else f"--{prefix}{label}".replace("_", "-")
        metavar = named.metavar if named else None
        own.append(Option(typed, hint, default, texts.get(field.name, ""), metavar, positional))
    yield Group(title, description(kind), own)
    for inner_groups in nested:
        yield from inner_groups


def _unwrapped(hint: Any) -> tuple[Any, ...]:
    """Return a type without its annotations, and these."""
    return get_args(hint) if get_origin(hint) is Annotated else (hint,)
