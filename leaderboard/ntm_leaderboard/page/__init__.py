"""The boards as web pages: a folder that opens from a disk, and from any host of static files.

    build(Boards.read([Path("bench/classic")]), Path("site"))

writes `index.html`, which lists the suites, and a page for each, such as `classic.html`, which holds all of
its numbers; with `page.css`, `page.js`, `vega.js`, which draws charts, and pictures of machines at work.
Pages ask no other host for anything, and without JavaScript their tables are still there. Here is what they
say, in `charts.py` what charts look like, in `machines.py` what pictures show, and in the templates what
stands where.

Names of agents are other people's text: the template escapes all of it, and so does the embedded JSON.
"""

from __future__ import annotations

import json
import re
import shlex
import shutil
import tempfile
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from pathlib import Path
from typing import Any

import jinja2
import numpy as np
import vl_convert

from ntm_agents import Run
from ntm_envs import tasks
from ntm_envs.tasks import TaskSpec
from ntm_leaderboard.board.boards import SEEDS, Board, Boards, places
from ntm_leaderboard.board.rows import BUDGETS, TRACKS, Row, Standing, in_present_names
from ntm_leaderboard.board.statistics import bootstrap_interval, horizon, ladder, learned, primary
from ntm_leaderboard.cli.report import down, sizes_text
from ntm_leaderboard.harness.entrants import AGENTS, new_run
from ntm_leaderboard.page.charts import ALL, COSTS, SHOWN, cost_chart, ladder_chart, profile_chart
from ntm_leaderboard.page.figures import COLOURS
from ntm_leaderboard.page.machines import MACHINES, draw
from ntm_leaderboard.results import Result, Rung

__all__ = ["build", "serve"]

HERE = Path(__file__).parent
GENERATOR = '<meta name="generator" content="ntm-envs leaderboard">'
"""How a page that was made here is told from others."""
FILES = {"page.css", "page.js", "vega.js"} | {
    f"{machine.name}{suffix}" for machine in MACHINES for suffix in (".png", ".gif")
}
"""What there is beside pages."""
BASELINE = "lstm"
"""The agent that is shown whatever is chosen, as all others are to be compared with it."""
PROFILE = (0.1, 0.25, 0.5, 0.75, 0.9, 0.99)
"""Scores at which a row's details have its performance profile."""

SHAPES = (
    "M1,0A1,1,0,1,1,-1,0A1,1,0,1,1,1,0Z",
    "M-.9,-.9H.9V.9H-.9Z",
    "M0,-1.1L1.1,.9H-1.1Z",
    "M0,-1.25L1.25,0L0,1.25L-1.25,0Z",
    "M0,1.1L1.1,-.9H-1.1Z",
    "M-.4,-1.1H.4V-.4H1.1V.4H.4V1.1H-.4V.4H-1.1V-.4H-.4Z",
)
"""SVG paths of the marks of agents, in charts and legends."""


def build(boards: Boards, output: Path) -> Path:
    """Write boards as a static site, in place of the one that was there.

    Args:
        boards: What is shown.
        output: The folder of the site.

    Returns:
        The path of its `index.html`.

    Raises:
        ValueError: If there is something at `output` that was not made here.
    """
    if output.exists() and not _made_here(output):
        raise ValueError(
            f"{output} is there, and it is not a leaderboard's page alone; name another folder, or remove it"
        )
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(HERE),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "down": down,
        "title": _title,
        "command": _command,
        "most": _most,
        "to": _to,
        "measured": _measured,
        "configuration": _configuration,
        "present": in_present_names,
    }
    output.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=output.parent, prefix=".") as temporary:
        site = Path(temporary) / "site"
        site.mkdir()
        for suite, board in boards.by_suite.items():
            machines = [machine for machine in MACHINES if tasks.spec(machine.task).suite == suite]
            pictures = {machine.name: draw(machine, site) for machine in machines}
            html = environment.get_template("suite.html.j2").render(
                _content(board), machines=machines, pictures=pictures
            )
            (site / f"{suite}.html").write_text(html, encoding="utf-8")
        index = environment.get_template("index.html.j2").render(
            generator=GENERATOR,
            boards=list(boards.by_suite.values()),
            places=places,
            tracks=TRACKS,
            needed=SEEDS,
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
    """Show the pages of boards to the browsers of this machine, and of no other; yield their address.

    Args:
        boards: What is shown.
        port: 0 for any that is free.

    Raises:
        OSError: If the port is taken.
    """
    with tempfile.TemporaryDirectory() as folder:
        site = build(boards, Path(folder) / "site").parent
        handler = partial(_Quiet, directory=str(site))
        with ThreadingHTTPServer(("127.0.0.1", port), handler) as server:
            thread = threading.Thread(target=server.serve_forever)
            thread.start()
            try:
                yield f"http://127.0.0.1:{server.server_port}"
            finally:
                server.shutdown()
                thread.join()


class _Quiet(SimpleHTTPRequestHandler):
    """Does not print every request."""

    def log_message(self, *_: object) -> None:
        pass


def _made_here(output: Path) -> bool:
    """Tell whether there is nothing but such a page, or nothing at all, in a folder."""
    if not output.is_dir():
        return False
    pages, others = set[str](), set[str]()
    for path in output.iterdir():
        made = path.suffix == ".html" and GENERATOR in path.read_text(encoding="utf-8", errors="replace")
        (pages if made else others).add(path.name)
    return not pages | others or ("index.html" in pages and others <= FILES)


def _content(board: Board) -> dict[str, Any]:
    """Return what the template is filled with."""
    rows = board.listed
    marks: dict[str, dict[str, Any]] = {
        row.agent: {
            "colour": COLOURS[i % len(COLOURS)],
            "shape": SHAPES[(i + i // len(COLOURS)) % len(SHAPES)],  # no two of the first 36 share both
            "dash": [6, 2] if i // len(COLOURS) % 2 else [1, 0],  # lines have no shape
        }
        for i, row in enumerate(rows)
    }
    sections: list[dict[str, Any]] = []
    for spec in board.specs:
        ranking = board.ranking(spec)
        ladders = [_curves(ranking, spec, size) for size in spec.ladders]
        sections.append(
            {"spec": spec, "ranking": ranking, "places": places(ranking, spec), "ladders": ladders}
            | {"references": [row for row in board.references if spec.env_id in row.standings]}
        )
    costs, profiles = _costs(board, rows), _profiles(board.ranked)
    charts = {found["id"]: ladder_chart(found, marks) for part in sections for found in part["ladders"]}
    charts |= {f"cost-{field}": cost_chart(costs, field, marks) for field in COSTS if costs}
    charts |= {"profiles": profile_chart(profiles, marks)} if profiles else {}
    runs = [result for row in rows for result in row.results]
    return {
        "generator": GENERATOR,
        "board": board,
        "rows": rows,
        "ranks": places(board.ranked),
        "after": {row.agent: later for row, later in pairwise(board.ranked) if row.track == later.track},
        "tracks": {row.track: TRACKS[row.track] for row in rows},
        "budgets": [*(name for _, name in BUDGETS), "open"],
        "profile": PROFILE,
        "profiled": [row.agent for row in board.ranked],
        "spec_of": tasks.spec,
        "sizes_text": sizes_text,
        "sections": sections,
        "costs": costs,
        "cost_names": COSTS,
        "charts": charts,
        "marks": marks,
        "learned": learned,
        "runs": runs,
        "newest": max((result.created for result in runs), default=None),
        "needed": SEEDS,
        "shown": SHOWN,
        "baseline": BASELINE,
        "all_tasks": ALL,
    }


def _curves(ranking: Iterable[Row], spec: TaskSpec, size: str) -> dict[str, Any]:
    """Return accuracy against one size of a task: of each seed, its mean over seeds, and of references.

    It is that of sequences or of symbols, as the task's primary metric says.
    """
    results = {row.agent: row.standings[spec.env_id].results for row in ranking}
    rungs = {
        agent: [(result.seed, rung) for result in found for rung in ladder(result, spec, size)]
        for agent, found in results.items()
    }
    every = [rung for found in rungs.values() for _, rung in found]
    values = sorted({rung.sizes[size] for rung in every})
    seeds = [
        {"agent": agent, "seed": seed, "size": rung.sizes[size], "accuracy": primary(rung.score, rung, spec)}
        for agent, found in rungs.items()
        for seed, rung in found
    ]
    means = []
    for agent, found in rungs.items():
        for value in values:
            at = [primary(rung.score, rung, spec) for _, rung in found if rung.sizes[size] == value]
            if not at:
                continue
            low, high = bootstrap_interval(at)
            means.append(
                {"agent": agent, "size": value, "accuracy": float(np.mean(at)), "low": low, "high": high}
            )
    references = [
        {"name": name, "size": value, "accuracy": float(np.mean(at))}
        for name in ("oracle", "uniform")
        for value in values
        if (
            at := [
                primary(rung.references[name], rung, spec)
                for rung in every
                if rung.sizes[size] == value and name in rung.references
            ]
        )
    ]
    return {
        "id": f"{spec.name}-{size}",
        "task": _title(spec),
        "size": size,
        "trained": spec.largest[size],
        "fixed": {name: value for name, value in spec.largest.items() if name != size},
        "measure": "sequences all right" if spec.metric == "sequences" else "symbols right",
        "values": values,
        "agents": list(rungs),
        "seeds": seeds,
        "means": means,
        "references": references,
    }


def _profiles(rows: Iterable[Row]) -> list[dict[str, Any]]:
    """Return the share of runs above each score, of each agent that is ranked over all tasks.

    The scores are those that its runs have, as between them nothing changes, and 0.
    """
    return [
        {"agent": row.agent, "score": score, "share": row.share_above(score)}
        for row in rows
        for score in sorted({0.0, 1.0, *(score for part in row.standings.values() for score in part.scores)})
    ]


def _measured(standing: Standing, spec: TaskSpec, played: Sequence[dict[str, int]]) -> dict[str, Any]:
    """Return what there is beside the score on a task.

    That is the mean accuracy at the rungs that the score is over; the bits that a sequence of the largest
    training size costs above the oracle; and by ladder the horizons of all seeds.
    """
    rungs = [rung for result in standing.results for rung in result.rungs if rung.sizes in played]
    costs = [
        rung.score.cost_in_bits - (_cost_of_oracle(rung) or 0.0)
        for rung in rungs
        if rung.sizes == spec.largest and rung.score.cost_in_bits is not None
    ]
    return {
        "accuracy": float(
            np.mean([primary(rung.score, rung, spec) for rung in rungs if rung.sizes != spec.largest])
        ),
        "cost": float(np.mean(costs)) if costs else None,
        "horizons": {
            size: [horizon(ladder(result, spec, size), spec, size) for result in standing.results]
            for size in spec.ladders
        },
    }


def _cost_of_oracle(rung: Rung) -> float | None:
    oracle = rung.references.get("oracle")
    return oracle.cost_in_bits if oracle else None


def _costs(board: Board, rows: Iterable[Row]) -> list[dict[str, Any]]:
    """Return scores and what training took, the most of any run, of each agent, over all tasks and on each.

    Only agents that were trained here and have results on all tasks have a score over all tasks.
    """
    found = []
    for row in rows:
        parts = {_title(spec): row.standings.get(spec.env_id) for spec in board.specs}
        scores = {ALL: row if all(parts.values()) else None, **parts}
        found += [
            {"agent": row.agent, "task": task, "score": scored.score}
            | dict(zip(("low", "high"), scored.interval, strict=True))
            | {field: _most(scored.results, field) for field in COSTS}
            for task, scored in scores.items()
            if scored and _most(scored.results, "parameters")
        ]
    return found


def _title(spec: TaskSpec) -> str:
    """Return a task's name for people: ``Repeat Copy``."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", re.sub(r"^.*/|-v\d+$", "", spec.env_id))


def _most(results: Iterable[Result], field: str) -> float | None:
    """Return the most of something that a training of these took; None if nothing was trained."""
    return max((getattr(result.training, field) for result in results if result.training), default=None)


def _to(values: Sequence[int]) -> str:
    """Return from where to where numbers go."""
    low, high = min(values), max(values)
    return f"{low:,}" if low == high else f"{low:,} to {high:,}"


def _configuration(result: Result) -> str:
    """Return the options of model and training, as JSON."""
    present = in_present_names(result)
    return json.dumps({part: present.get(part) for part in ("model", "train")}, indent=2)


def _command(result: Result, spec: TaskSpec) -> str | None:
    """Return the command that trains this again: an agent's recipe as it is now, and what was other then.

    There is none for agents that are not the project's, and where an option is gone.
    """
    if result.training is None or result.agent not in {row.name for row in AGENTS}:
        return None
    names = {"agent": result.agent, "task": spec.name, "seed": result.seed}
    try:
        now, then = (
            json.loads(json.dumps(run.resolved()))
            for run in (new_run(result.agent, spec.name), Run.of({**result.description, **names}))
        )
    except (ModuleNotFoundError, TypeError, ValueError):
        return None
    if any(then[field] != now[field] for field in ("entry", "learner")):
        return None
    command = ["ntm-envs", "train", "--agent", result.agent, "--task", spec.name, "--seed", str(result.seed)]
    for prefix, part in (("", "train"), ("model.", "model")):
        for name, value in then[part].items():
            if value == now[part][name]:
                continue
            option = (prefix + name).replace("_", "-")
            if isinstance(value, bool):
                command.append(f"--{option}" if value else f"--{prefix}no-{name.replace('_', '-')}")
            else:
                command += [f"--{option}", *_words(value)]
    return shlex.join(command)


def _words(value: Any) -> list[str]:
    """Return a value of JSON as words of the command line."""
    if isinstance(value, dict):
        return [word for name, item in value.items() for word in (name, *_words(item))]
    if isinstance(value, list):
        return [word for item in value for word in _words(item)]
    return [str(value)]
