"""Pages of the repository outside `docs/`, such as the README of a folder, as pages of the site.

Links to files and folders of the repository, as GitHub wants them, are changed to links to the pages of the
site that are made from them.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from sphinx.application import Sphinx

from generate import api
from ntm_envs import tasks

DOCS = Path(__file__).parents[1]
ROOT = DOCS.parent
GENERATED = DOCS / "generated"
PAGES = {
    ROOT / "CHANGELOG.md": "changelog",
    ROOT / "CONTRIBUTING.md": "contributing",
    ROOT / "agents" / "README.md": "agents",
    ROOT / "baselines" / "README.md": "baselines",
    ROOT / "benchmarks" / "README.md": "benchmarks",
    ROOT / "leaderboard" / "README.md": "leaderboard",
}
"""The files that become pages, and the names of these."""
MADE = {
    ROOT / "ntm_envs" / "env.py": "environment/index.rst",
    ROOT / "ntm_envs" / "tasks": "tasks/index.rst",
    ROOT / "agents" / "ntm_agents" / "machines": "agents/index.rst",
    ROOT / "agents" / "ntm_agents" / "pretrained": "machines/index.rst",
    ROOT / "leaderboard" / "results": "leaderboard/index.md",
}
"""Other files and folders from which pages are made, and the paths of these."""
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
    copied = {GENERATED / "repository" / f"{name}.md": path for path, name in PAGES.items()}
    written = copied.get(shown, shown)

    def change(link: re.Match[str]) -> str:
        text, place = link[1], link[3] or ""
        target = _page(Path(os.path.normpath(written.parent / link[2])))
        return f"[{text}]({os.path.relpath(target, shown.parent)}{place})" if target else text

    if shown.exists():
        source[0] = LINK.sub(change, source[0])


def _page(path: Path) -> Path | None:
    """Return what a link to a file or folder leads to: its page, or else the file; None for other folders."""
    if path in PAGES:
        return GENERATED / "repository" / f"{PAGES[path]}.md"
    if path in MADE:
        return GENERATED / MADE[path]
    module = _module(path)
    for row in tasks.TABLE:
        if type(row.make()).__module__ == module:
            return GENERATED / "tasks" / row.suite / f"{row.name}.rst"
    if (reference := GENERATED / "api" / f"{api.page(module)}.rst").is_file():
        return reference
    return path if path.is_file() and (path.suffix != ".md" or DOCS in path.parents) else None


def _module(path: Path) -> str:
    """Return the name of the module in a file."""
    parts = [path.stem] * (path.stem != "__init__")
    for folder in path.parents:
        if not (folder / "__init__.py").is_file():
            break
        parts.insert(0, folder.name)
    return ".".join(parts)
