"""Pages of the repository outside `docs/`, such as the README of a folder, as pages of the site.

Links to files of the repository, as GitHub wants them, are changed to links to pages of the site.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from sphinx.application import Sphinx

DOCS = Path(__file__).parents[1]
ROOT = DOCS.parent
PAGES = {
    ROOT / "CHANGELOG.md": "changelog",
    ROOT / "CONTRIBUTING.md": "contributing",
    ROOT / "agents" / "README.md": "agents",
    ROOT / "baselines" / "README.md": "baselines",
    ROOT / "benchmarks" / "README.md": "benchmarks",
    ROOT / "leaderboard" / "README.md": "leaderboard",
}
"""The files that become pages, and the names of these."""
LINK = re.compile(r"(?<!!)\[([^\]]*)\]\((?!\w+:|#)([^)\s#]*)(#[^)\s]*)?\)")
"""A link to a file: its text, the path, and the place in the file."""


def write(folder: Path) -> None:
    """Write a page for each file; `change_links` fills in its text."""
    folder.mkdir(parents=True, exist_ok=True)
    for path, name in PAGES.items():
        (folder / f"{name}.md").write_text(path.read_text(encoding="utf-8"), encoding="utf-8")


def change_links(app: Sphinx, page: str, source: list[str]) -> None:
    """Change the links of a page, just before it is read."""
    shown = Path(app.srcdir, f"{page}.md")
    copied = {DOCS / "generated" / "repository" / f"{name}.md": path for path, name in PAGES.items()}
    written = copied.get(shown, shown)

    def change(link: re.Match[str]) -> str:
        text, place = link[1], link[3] or ""
        target = Path(os.path.normpath(written.parent / link[2]))
        if target in PAGES:
            target = DOCS / "generated" / "repository" / f"{PAGES[target]}.md"
        elif not target.is_file() or (target.suffix == ".md" and DOCS not in target.parents):
            return text  # a folder, which has no page
        return f"[{text}]({os.path.relpath(target, shown.parent)}{place})"

    if shown.exists():
        source[0] = LINK.sub(change, source[0])
