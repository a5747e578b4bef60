"""The help of a command: its description, its options in groups, with their defaults, and an example.

Docstrings are wrapped anew for the width of the terminal. (Tyro's own help keeps their line breaks.)
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import MISSING
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from rich.console import Console
from rich.text import Text

from ntm_leaderboard.cli.options import Group, Option, groups
from ntm_leaderboard.docstrings import description, section

WIDEST = 100
"""Columns that are used at most: longer lines are hard to read."""
INDENT = 6
"""Columns before an option's description."""
PLACEHOLDERS = {int: "INT", float: "FLOAT", str: "NAME", Path: "PATH"}


def print_help(console: Console, options: type[Any], command: str) -> None:
    """Print the help of a command, whose options are the fields of a dataclass."""
    width = min(console.width, WIDEST)
    first, *others = groups(options)
    arguments = [option for option in first.options if option.positional]
    flags = [option for option in first.options if not option.positional]
    usage = [f"usage: ntm-envs {command}", *(_invocation(option) for option in arguments), "[OPTIONS]"]
    shown = [
        *([Group("arguments", [], arguments)] if arguments else []),
        Group("options", [], [Option("-h, --help", bool, MISSING, "Show this help.", None, False), *flags]),
        *others,
    ]
    console.print(" ".join(usage), markup=False, highlight=False, soft_wrap=True)
    for paragraph in description(options):
        console.print(f"\n{_wrapped(paragraph, width, 0)}", markup=False, highlight=False, soft_wrap=True)
    for group in shown:
        console.print(Text(f"\n{group.title}:", style="bold"), soft_wrap=True)
        for paragraph in group.text:
            console.print(_wrapped(paragraph, width, 2), markup=False, highlight=False, soft_wrap=True)
        for option in group.options:
            console.print(Text(f"  {_invocation(option)}", style="cyan"), soft_wrap=True)
            if text := " ".join(_about(option)):
                console.print(_wrapped(text, width, INDENT), markup=False, highlight=False, soft_wrap=True)
    console.print(Text("\nexample:", style="bold"))
    example = textwrap.indent(section(options, "Example"), "  ")
    console.print(example, markup=False, highlight=False, soft_wrap=True)


def _wrapped(text: str, width: int, indent: int) -> str:
    space = " " * indent
    return textwrap.fill(
        text,
        width,
        initial_indent=space,
        subsequent_indent=space,
        break_on_hyphens=False,
        break_long_words=False,
    )


def _invocation(option: Option) -> str:
    """Return an option as it is typed: its name, and a placeholder of its value."""
    if option.hint is bool:
        return option.name if option.default is MISSING else f"{option.name}, {option.negative}"
    placeholder = option.metavar or _placeholder(option.hint)
    if option.default not in (None, MISSING) and NoneType in get_args(option.hint):
        placeholder += "|None"
    if option.positional:
        choices = get_origin(option.hint) is Literal
        name = option.metavar or (placeholder if choices else option.name)
        repeated = " ..." if placeholder.endswith("...") else ""
        return f"{name}{repeated}" if option.default is MISSING else f"[{name}{repeated}]"
    return f"{option.name} {placeholder}"


def _placeholder(hint: Any) -> str:
    """Return the placeholder of a value of a type: ``INT``, ``{adam,rmsprop}``, ``NAME FLOAT ...``."""
    origin, inner = get_origin(hint), [each for each in get_args(hint) if each not in (NoneType, ...)]
    if origin is Annotated:
        return _placeholder(inner[0])
    if origin is Literal:
        return f"{{{','.join(map(str, inner))}}}"
    if origin in (Union, UnionType):
        parts = [_placeholder(each) for each in inner]
        return "|".join(part for part in parts if not any(o != part and o.startswith(part) for o in parts))
    if origin is tuple or (isinstance(origin, type) and issubclass(origin, Mapping)):
        repeated = origin is not tuple or ... in get_args(hint)
        return " ".join([*map(_placeholder, inner), *(["..."] if repeated else [])])
    return PLACEHOLDERS.get(hint) or str(getattr(hint, "__name__", hint)).upper()


def _about(option: Option) -> Iterator[str]:
    """Yield an option's description, and its default."""
    if option.text:
        yield option.text
    if option.default is MISSING:
        if option.positional:
            yield "(required)"
    elif (default := _default(option.default)) is not None:
        yield f"(default: {default})"


def _default(value: Any) -> str | None:
    """Return a default as it is typed; None if the description explains it."""
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, Mapping):
        value = tuple(part for item in value.items() for part in item)
    if isinstance(value, tuple):
        return " ".join(_default(each) or "" for each in value) or None
    return None if value is None else str(value)
