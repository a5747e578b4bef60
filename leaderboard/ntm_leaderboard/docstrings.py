"""Docstrings as text for readers, for the command line's help and the documentation of tasks."""

from __future__ import annotations

import ast
import inspect
import re
import textwrap
from typing import Any

SECTION = re.compile(r"^(\w+):\n", re.MULTILINE)
"""A heading of a Google-style docstring, such as ``Example:``."""


def paragraphs(text: str) -> list[str]:
    r"""Return the paragraphs of a text, each on one line.

    Example:
        >>> paragraphs("One line,\n    and another.\n\nThe next.")
        ['One line, and another.', 'The next.']
    """
    return [" ".join(part.split()) for part in re.split(r"\n\s*\n", text) if part.strip()]


def prose(documented: Any) -> str:
    """Return the part of a docstring above its first section."""
    text = inspect.cleandoc(documented.__doc__ or "") + "\n"
    heading = SECTION.search(text)
    return text[: heading.start() if heading else None].strip()


def description(documented: Any) -> list[str]:
    """Return the paragraphs of a docstring that stand above its first section."""
    return paragraphs(prose(documented))


def section(documented: Any, name: str) -> str:
    """Return the text below a heading of a docstring, without its indentation; empty if it has none."""
    text = inspect.cleandoc(documented.__doc__ or "") + "\n"
    _, _, below = text.partition(f"\n{name}:\n")
    following = SECTION.search(below)
    return textwrap.dedent(below[: following.start()] if following else below).strip()


def field_docs(kind: type[Any]) -> dict[str, str]:
    """Return the docstrings below the annotated fields of a class and its bases, each on one line.

    Classes without source code, such as those that are made by `dataclasses.make_dataclass`, have none.
    """
    found: dict[str, str] = {}
    for base in reversed(kind.__mro__[:-1]):
        try:
            body = ast.parse(textwrap.dedent(inspect.getsource(base))).body[0]
        except (OSError, TypeError):
            continue
        assert isinstance(body, ast.ClassDef)
        for field, below in zip(body.body, body.body[1:], strict=False):
            if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name):
                text = getattr(getattr(below, "value", None), "value", None)
                if isinstance(below, ast.Expr) and isinstance(text, str):
                    found[field.target.id] = " ".join(text.split())
    return found
