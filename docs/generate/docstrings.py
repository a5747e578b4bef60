"""Google-style docstrings in reStructuredText, by Napoleon, but without types in docstrings of attributes.

There Napoleon takes all that stands before a colon for the type, but here it is a part of the sentence.
"""

from __future__ import annotations

from typing import Any

from sphinx.application import Sphinx
from sphinx.ext.napoleon import Config
from sphinx.ext.napoleon.docstring import GoogleDocstring


def setup(app: Sphinx) -> None:
    """Register the conversion, with the options of Napoleon."""
    for value in Config._config_values:
        app.add_config_value(*value)
    app.connect("autodoc-process-docstring", convert)


def convert(app: Sphinx, what: Any, name: str, documented: Any, options: Any, lines: list[str]) -> None:
    """Convert the lines of a docstring in place."""
    if what not in ("attribute", "data", "property"):
        lines[:] = GoogleDocstring(lines, app.config, app, what, name, documented, options).lines()
