"""The files of the site, and a server for the browsers of this machine."""

from __future__ import annotations

import shutil
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import jinja2
import vl_convert

from ntm_envs import tasks
from ntm_envs.files import naming
from ntm_leaderboard.board.boards import Boards, places
from ntm_leaderboard.board.rows import TRACKS, in_present_names
from ntm_leaderboard.page.commands import command, configuration
from ntm_leaderboard.page.content import content, measured, most
from ntm_leaderboard.page.machines import MACHINES, draw
from ntm_leaderboard.results import SEEDS
from ntm_leaderboard.wording import down, task_title

HERE = Path(__file__).parent
GENERATOR = '<meta name="generator" content="ntm-envs leaderboard">'
"""Mark of the pages that are made here."""
FILES = {"page.css", "page.js", "vega.js"} | {
    f"{machine.name}{suffix}" for machine in MACHINES for suffix in (".png", ".gif")
}
"""Files of a site besides its pages."""


def build(boards: Boards, output: Path, *, documentation: str | None = None) -> Path:
    """Write boards as a static site, in place of an earlier one.

    Args:
        boards: The boards to show.
        output: The folder of the site.
        documentation: Address of the documentation, to link to.

    Returns:
        The path of its `index.html`.

    Raises:
        ValueError: If there is anything else at `output`.
        OSError: If it cannot be written; `filename` is `output`.
    """
    if output.exists() and not _made_here(output):
        raise ValueError(
            f"{output} is not a leaderboard's page alone; expected a new folder, or a page to replace"
        )
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(HERE),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.policies["json.dumps_kwargs"] = {"allow_nan": False}  # browsers read strict JSON alone
    environment.filters |= {
        "down": down,
        "title": task_title,
        "command": command,
        "most": most,
        "to": _to,
        "measured": measured,
        "configuration": configuration,
        "present": in_present_names,
    }
    output.parent.mkdir(parents=True, exist_ok=True)
    with naming(output), tempfile.TemporaryDirectory(dir=output.parent, prefix=".") as temporary:
        site = Path(temporary) / "site"
        site.mkdir()
        for suite, board in boards.by_suite.items():
            machines = [machine for machine in MACHINES if tasks.spec(machine.task).suite == suite]
            pictures = {machine.name: draw(machine, site) for machine in machines}
            html = environment.get_template("suite.html.j2").render(
                content(board),
                generator=GENERATOR,
                machines=machines,
                pictures=pictures,
                documentation=documentation,
            )
            (site / f"{suite}.html").write_text(html, encoding="utf-8")
        index = environment.get_template("index.html.j2").render(
            generator=GENERATOR,
            boards=list(boards.by_suite.values()),
            left_out=boards.left_out,
            places=places,
            tracks=TRACKS,
            needed=SEEDS,
            documentation=documentation,
        )
        (site / "index.html").write_text(index, encoding="utf-8")
        vega = vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;")
        (site / "vega.js").write_text(vega, encoding="utf-8")
        for name in ("page.css", "page.js"):
            shutil.copyfile(HERE / name, site / name)
        if output.exists():
            output.rename(Path(temporary) / "old")
        site.rename(output)
    return output / "index.html"


@contextmanager
def serve(boards: Boards, port: int = 8000) -> Iterator[str]:
    """Serve the pages of boards to browsers of this machine, and to no others; yield their address.

    Args:
        boards: The boards to show.
        port: The port; 0 for any free one.

    Raises:
        OSError: If the port is taken.
    """
    with tempfile.TemporaryDirectory() as folder:
        site = Path(folder) / "site"
        handler = partial(_Quiet, directory=str(site))
        with ThreadingHTTPServer(("127.0.0.1", port), handler) as server:
            build(boards, site)
            thread = threading.Thread(target=server.serve_forever)
            thread.start()
            try:
                yield f"http://127.0.0.1:{server.server_port}"
            finally:
                server.shutdown()
                thread.join()


class _Quiet(SimpleHTTPRequestHandler):
    """A handler that does not print requests."""

    def log_message(self, *_: object) -> None:
        pass


def _made_here(output: Path) -> bool:
    """Return whether a folder holds such a site and nothing else, or nothing at all."""
    if not output.is_dir():
        return False
    pages, others = set[str](), set[str]()
    for path in output.iterdir():
        made = path.suffix == ".html" and GENERATOR in path.read_text(encoding="utf-8", errors="replace")
        (pages if made else others).add(path.name)
    return not pages | others or ("index.html" in pages and others <= FILES)


def _to(values: Sequence[int]) -> str:
    """Return the range of numbers: ``20 to 1,000``."""
    low, high = min(values), max(values)
    return f"{low:,}" if low == high else f"{low:,} to {high:,}"
