"""Submissions: trained and evaluated runs, packed into a folder that others can check."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import re
import shutil
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from ntm_agents.training.checkpoint import CheckpointError
from ntm_agents.training.run import Run
from ntm_envs import tasks
from ntm_envs.files import naming, write_atomically
from ntm_leaderboard.board.player import Player, PlayerError
from ntm_leaderboard.board.statistics import learned, task_score
from ntm_leaderboard.board.verify import FILES, check, runs_in
from ntm_leaderboard.board.weights import LARGEST_WEIGHTS
from ntm_leaderboard.harness.entrants import check_weights, portable
from ntm_leaderboard.results import HELD, Result

CARD = """# Runs of ntm-envs

{runs} of them. The score is that beyond the training range; 0 is the best constant output, 1 the oracle.
To check them, with the name of this folder: `ntm-envs verify FOLDER`.

| agent | task | seed | score | at the largest training size | sequences | parameters | commitment |
| --- | --- | ---: | ---: | ---: | ---: | ---: | --- |
{rows}
"""


def pack(folders: Sequence[Path], output: Path, held_at: str | None = None) -> list[Path]:
    """Copy the files of runs that others need: result, configuration, weights, and a foreign model's source.

    That source is loaded once as a verifier will load it: by itself, in a process of its own.
    What earlier calls have left in the folder, as their processes were killed, is deleted.

    Args:
        folders: Runs, or folders of runs; agents that were evaluated but not trained are left out.
        output: Folder of the submission, with runs as `TASK/AGENT/seed-N`; runs in it are kept.
        held_at: The address at which the weights will be, in folders of the same names, if they are too large
            to lie beside results. They go into `weights_folder(output)`, and results have their address and
            SHA-256.

    Returns:
        The folders of the runs.

    Raises:
        ValueError: If there is no evaluated run, if one cannot be submitted, or if another one is in its
            place; every run is there whole or not at all.
        OSError: If a run cannot be written; `filename` is its folder.
    """
    if held_at and not re.fullmatch(HELD, f"{held_at}/model"):
        raise ValueError(f"held_at is {held_at!r}; expected an address such as https://example.org/weights")
    runs = [run for folder in folders for run in runs_in(folder) if (run / "config.json").exists()]
    if not runs:
        named = ", ".join(map(str, folders)) or "no folder"
        raise ValueError(
            f"there is no evaluated run in {named}; expected folders that `ntm-envs evaluate` was given"
        )
    _delete_leftovers(output)
    try:
        packed = [_pack(run, output, held_at) for run in runs]
    finally:
        with suppress(OSError):  # it is not empty, or not there
            output.rmdir()
    write_atomically(output / "README.md", _card(output).encode())
    return packed


def weights_folder(output: Path) -> Path:
    """Return the folder of those weights of a submission that are to be held elsewhere."""
    return output.with_name(f"{output.name}-weights")


def _pack(folder: Path, output: Path, held_at: str | None) -> Path:
    run, result = Run.read(folder), Result.read(folder / "result.json")
    check_weights(folder)
    if (folder / "verified.json").exists():
        raise ValueError(
            f"{folder / 'verified.json'} is a record of a verification, which a submission cannot bring; "
            "delete it"
        )
    for file in FILES:
        if not (folder / file).exists():
            raise ValueError(f"{folder / file} is missing; a submission is of trained and evaluated runs")
    weights = folder / "model.safetensors"
    name = f"{tasks.spec(result.task).name}/{result.agent}/seed-{result.seed}"
    target = output / name
    if held_at:
        address = f"{held_at.rstrip('/')}/{name}/model.safetensors"
        held = {"address": address, "sha256": hashlib.sha256(weights.read_bytes()).hexdigest()}
        result = Result.model_validate({**result.model_dump(), "held": held})
    elif (size := weights.stat().st_size) > LARGEST_WEIGHTS:
        raise ValueError(
            f"{weights} has {size:,} bytes; expected at most {LARGEST_WEIGHTS:,} beside a result. Name the "
            "address at which others will find larger ones: --held-at https://..."
        )
    if target.exists():
        if Result.read(target / "result.json") != result:
            raise ValueError(f"{target} holds another run; choose another --output, or delete it")
        return target
    output.mkdir(parents=True, exist_ok=True)
    # What is hidden is never ranked.
    with naming(target), tempfile.TemporaryDirectory(dir=output, prefix=f"{_prefix()}{os.getpid()}-") as made:
        copy = Path(made) / "run"
        copy.mkdir()
        for file in FILES:
            shutil.copyfile(folder / file, copy / file)
        result.write(copy / "result.json")
        where = run.entry.rpartition(":")[0]
        if where.endswith(".py"):
            shutil.copyfile(where, copy / Path(where).name)
            config = json.loads((copy / "config.json").read_bytes())
            config = json.dumps({**config, "entry": portable(run.entry)}, indent=2)
            (copy / "config.json").write_text(config, encoding="utf-8")
        try:
            check(copy, trust_code=True)
            if where.endswith(".py"):
                with Player(copy, tasks.spec(result.task).make().output_size):
                    pass
        except (OSError, ValueError, CheckpointError, PlayerError) as error:
            raise ValueError(str(error).replace(str(copy), str(folder))) from error
        if held_at:
            elsewhere = weights_folder(output) / name / "model.safetensors"
            elsewhere.parent.mkdir(parents=True, exist_ok=True)
            (copy / "model.safetensors").rename(elsewhere)
        target.parent.mkdir(parents=True, exist_ok=True)
        copy.rename(target)
    return target


def _prefix() -> str:
    """Return how names of folders begin in which processes of this machine pack runs, before their ids."""
    return f".packing-{platform.node()[:100]}-"


def _delete_leftovers(output: Path) -> None:
    """Delete the folders of processes that were killed while they packed; others may be packing just now."""
    for folder in output.glob(".packing-*"):
        found = re.fullmatch(rf"{re.escape(_prefix())}(\d+)-\w+", folder.name)
        if found and folder.is_dir() and not folder.is_symlink():
            try:
                os.kill(int(found[1]), 0)  # which asks, and sends nothing
            except ProcessLookupError:
                shutil.rmtree(folder)
            except (OSError, OverflowError):  # it belongs to somebody else, or is no id
                pass


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
