"""Packs trained and judged runs into a folder that can be passed on, and checked by whoever gets it."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

from ntm_agents.training.checkpoint import CheckpointError, write_atomically
from ntm_agents.training.run import Run
from ntm_envs import tasks
from ntm_leaderboard.contestants import portable
from ntm_leaderboard.results import Result
from ntm_leaderboard.statistics import learned, task_score
from ntm_leaderboard.verify import LARGEST, check, runs_in

CARD = """# Runs of ntm-envs

{runs} of them. The score is of what is longer than in training; 0 is the best constant output, 1 the oracle.
To check them, with the name of this folder: `ntm-envs verify FOLDER`.

| agent | task | seed | score | at the largest training size | sequences | parameters | commitment |
| --- | --- | ---: | ---: | ---: | ---: | ---: | --- |
{rows}
"""


def pack(folders: Sequence[Path], output: Path) -> list[Path]:
    """Copy what others need of runs: result, configuration, weights, and the source of a foreign model.

    Args:
        folders: Runs, or folders of runs.
        output: Where they go, as `TASK/AGENT/seed-N`; runs that are there already stay.

    Returns:
        The folders of the runs.

    Raises:
        ValueError: If there is no judged run, if one cannot be submitted, or if another one is in its place;
            every run is there whole or not at all.
    """
    runs = [run for folder in folders for run in runs_in(folder)]
    if not runs:
        named = ", ".join(map(str, folders))
        raise ValueError(
            f"there is no judged run in {named}; expected folders that `ntm-envs evaluate` was given"
        )
    packed = [_pack(run, output) for run in runs]
    write_atomically(output / "README.md", _card(output).encode())
    return packed


def _pack(folder: Path, output: Path) -> Path:
    run, result = Run.read(folder), Result.read(folder / "result.json")
    target = output / tasks.spec(result.task).name / result.agent / f"seed-{result.seed}"
    if target.exists():
        if Result.read(target / "result.json") != result:
            raise ValueError(f"{target} holds another run; choose another --output, or delete it")
        return target
    output.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=output) as made:
        copy = Path(made) / "run"
        copy.mkdir()
        for name in LARGEST:
            if not (folder / name).exists():
                raise ValueError(f"{folder / name} is missing; a submission is of trained and judged runs")
            shutil.copyfile(folder / name, copy / name)
        where = run.entry.rpartition(":")[0]
        if where.endswith(".py"):
            shutil.copyfile(where, copy / Path(where).name)
            config = json.loads((copy / "config.json").read_text())
            (copy / "config.json").write_text(json.dumps({**config, "entry": portable(run.entry)}, indent=2))
        try:
            check(copy, trust_code=True)
        except (ValueError, CheckpointError) as error:
            raise ValueError(str(error).replace(str(copy), str(folder))) from error
        target.parent.mkdir(parents=True, exist_ok=True)
        copy.rename(target)
    return target


def _card(output: Path) -> str:
    rows = []
    for folder in runs_in(output):
        result = Result.read(folder / "result.json")
        spec, training = tasks.spec(result.task), result.training
        scores = (task_score(result, spec), learned(result, spec))
        cells = [result.agent, spec.name, str(result.seed)]
        cells += ["–" if score is None else f"{score:.4f}" for score in scores]
        cells += [f"{training.sequences:,}", f"{training.parameters:,}"] if training else ["–", "–"]
        rows.append("| " + " | ".join([*cells, f"`{result.commitment[:12]}`"]) + " |")
    return CARD.format(runs=len(rows), rows="\n".join(rows))
