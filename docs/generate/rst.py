"""Parts of a page in reStructuredText."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence
from pathlib import Path


def heading(text: str, level: int = 0) -> str:
    """Return a heading; level 0 is the title of the page."""
    return f"{text}\n{'=-~^'[level] * len(text)}"


def literal(text: str, language: str) -> str:
    """Return a block of code or of plain text."""
    return f".. code-block:: {language}\n\n{textwrap.indent(text, '   ')}"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table, whose cells are reStructuredText; without a head, the first column has the headings."""
    lines = [".. list-table::", "   :align: left", f"   :{'header-rows' if head else 'stub-columns'}: 1", ""]
    for row in (head, *rows) if head else rows:
        for i, cell in enumerate(row):
            lines.append(f"   {'*' if i == 0 else ' '} - {cell}")
    return "\n".join(lines)


def definitions(rows: Iterable[tuple[str, str]]) -> str:
    """Return a list of terms, each with its meaning below."""
    return "\n\n".join(f"{term}\n   {meaning}" for term, meaning in rows)


def toctree(*pages: str, hidden: bool = False) -> str:
    """Return a list of pages, which also puts them into the navigation; a hidden one does nothing else."""
    options = "   :hidden:\n" if hidden else "   :maxdepth: 1\n"
    return f".. toctree::\n{options}\n" + "\n".join(f"   {page}" for page in pages)


def write(path: Path, *parts: str) -> None:
    """Write a page of parts, those that are empty left out."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n\n".join(part for part in parts if part) + "\n", encoding="utf-8")
