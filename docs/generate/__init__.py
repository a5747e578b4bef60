"""Pages of the documentation that are made from the code, as an extension of Sphinx.

A new task, model, command or public name gets its page here, and nothing else in `docs/` changes.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx

from generate import (
    accessibility,
    agents,
    api,
    commands,
    docstrings,
    environment,
    leaderboard,
    machines,
    mathml,
    repository,
    tasks,
)


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the pages and the renderer of formulas."""
    docstrings.setup(app)
    app.connect("builder-inited", write_pages)
    app.connect("source-read", repository.change_links)
    app.connect("build-finished", leaderboard.build)
    app.connect("build-finished", accessibility.improve)
    app.add_html_math_renderer("mathml", (mathml.inline, None), (mathml.block, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def write_pages(app: Sphinx) -> None:
    """Write all generated pages into the folder `generated`, in place of earlier ones."""
    folder = Path(app.srcdir) / "generated"
    shutil.rmtree(folder, ignore_errors=True)
    for kind in (environment, tasks, machines, agents, commands, api, repository, leaderboard):
        kind.write(folder / kind.__name__.rpartition(".")[2])
