"""Google-style docstrings in reStructuredText, by Napoleon, with three changes.

Docstrings of attributes have no types: Napoleon takes all that stands before a colon for one, but here it is
a part of the sentence. Headings of an environment's docstring are in Markdown, as Gymnasium has them. And the
path of a page, such as `docs/equations.md`, is a link to that page.
"""

from __future__ import annotations

import re
from typing import Any

from sphinx.application import Sphinx
from sphinx.ext.napoleon import Config
from sphinx.ext.napoleon.docstring import GoogleDocstring

PAGE = re.compile(r"`docs/([\w-]+)\.md`")
HEADING = re.compile(r"^## (.+)$", re.MULTILINE)


def setup(app: Sphinx) -> None:
    """Register the conversion, with the options of Napoleon."""
    for value in Config._config_values:
        app.add_config_value(*value)
    app.connect("autodoc-process-docstring", convert)


def convert(app: Sphinx, what: Any, name: str, documented: Any, options: Any, lines: list[str]) -> None:
    """Convert the lines of a docstring in place."""
    lines[:] = HEADING.sub(r".. rubric:: \1\n", "\n".join(lines)).split("\n")
    if what not in ("attribute", "data", "property"):
        lines[:] = GoogleDocstring(lines, app.config, app, what, name, documented, options).lines()
    lines[:] = map(link_pages, lines)


def link_pages(text: str) -> str:
    """Return a text in which the paths of pages are links."""
    return PAGE.sub(r":doc:`/\1`", text)
