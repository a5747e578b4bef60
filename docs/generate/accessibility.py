"""What people need who use a keyboard or a screen reader, and theme and Sphinx leave out."""

from __future__ import annotations

from pathlib import Path

from sphinx.application import Sphinx

CHANGES = {
    '<aside class="sidebar-drawer">': '<aside class="sidebar-drawer" aria-label="Pages">',
    '<aside class="toc-drawer': '<aside aria-label="This page" class="toc-drawer',
    'class="caption" role="heading">': 'class="caption" role="heading" aria-level="2">',
    '<div class="highlight"><pre>': '<div class="highlight"><pre tabindex="0">',
    '<div class="table-wrapper': '<div tabindex="0" class="table-wrapper',
}
"""Landmarks get names, headings levels; and what scrolls can be reached by the keyboard."""


def improve(app: Sphinx, error: Exception | None) -> None:
    """Change the pages of the site, once it is built."""
    if error is None and app.builder.format == "html":
        for path in Path(app.outdir).rglob("*.html"):
            text = path.read_text(encoding="utf-8")
            for before, after in CHANGES.items():
                text = text.replace(before, after)
            path.write_text(text, encoding="utf-8")
