"""Checks submitted results: whose they are, and whether their numbers come out again.

Nothing of a submission is trusted. What can be checked without running its model is checked first, file by
file, and its model then plays in a process of its own (:mod:`ntm_leaderboard.board.player`).
"""

from __future__ import annotations

import dataclasses
import hashlib
import math
import os
import secrets
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from ntm_agents.training.checkpoint import CheckpointError, load_tensors
from ntm_agents.training.run import Run, read_json, read_summary, source_digest, versions
from ntm_envs import tasks
from ntm_envs.files import check_plain
from ntm_envs.tasks import InteractiveTask, SequenceTask, Task, TaskSpec
from ntm_leaderboard.board.player import Player
from ntm_leaderboard.board.statistics import fisher, two_shares
from ntm_leaderboard.harness.entrants import AGENTS, commitment_of, portable, references, training_of
from ntm_leaderboard.harness.evaluate import hardware, present_commit
from ntm_leaderboard.harness.ladder import evaluation_keys, play_ladder, rungs_of
from ntm_leaderboard.results import LARGEST_RECORD, NO_NONCE, RECORD, Held, Result, Rung, Score, Training

FILES = ("result.json", "config.json", "summary.json", "model.safetensors")
"""The files of a submitted run, besides the source of a model of one's own."""
LARGEST_SOURCE = 2**18
"""How many bytes the source of a model of one's own may have."""
LARGEST_WEIGHTS, LARGEST_HELD = 2**21, 2**30
"""How many bytes weights may have that lie beside their result, and those that are held elsewhere."""
ROUNDED_SEQUENCES, ROUNDED_ERRORS = 0.01, 0.05
"""Shares of sequences, and of wrong symbols and costs, that may come out differently by rounding alone."""
DOUBT = 0.001
"""Claims are doubted if chance makes a difference as large in fewer than so many submissions."""


def runs_in(folder: Path) -> Iterator[Path]:
    """Yield the folders below one, and itself, that have a result. Links are not followed."""
    for where, folders, files in os.walk(folder):
        folders.sort()
        if "result.json" in files:
            yield Path(where)


def check(folder: Path, *, trust_code: bool = False) -> Result:
    """Check all that can be checked without running the model, and return the result that is claimed.

    Args:
        folder: What :func:`ntm_leaderboard.board.submission.pack` has made of a run.
        trust_code: Whether the source file of a model of the submitter's own may be executed later.

    Raises:
        FileNotFoundError: If a file is missing.
        ValueError: If one is too large, not a plain file or not what it should be, or if they do not belong
            together; the message says what is wrong.
        CheckpointError: If the weights are no whole safetensors file.
    """
    *records, weights = FILES
    for name in records:
        check_plain(folder / name, LARGEST_RECORD)
    result = Result.read(folder / "result.json")
    _weights(folder / weights, result.held)
    run = _run(folder)
    source = _source(folder, run, trust_code)
    for path in sorted(folder.iterdir()):
        if path.name not in (*FILES, RECORD, source):
            raise ValueError(
                f"{path} belongs to no submission; a model of one's own is one file, and reads none"
            )
    spec = next((row for row in tasks.TABLE if row.env_id == result.task), None)
    if spec is None:
        known = ", ".join(row.env_id for row in tasks.TABLE)
        raise ValueError(f"{folder}: task is {result.task!r}, which is not on the board; expected {known}")
    training = _training(folder, run, result)
    claims = {
        "agent": (result.agent, run.agent),
        "entry": (result.entry, portable(run.entry)),
        "model": (result.model, run.model),
        "seed": (result.seed, run.seed),
        "task": (spec.env_id, spec.env_id if run.task == spec.name else run.task),
        "privileges": (result.privileges, list(run.train.privileges)),
        "status": (result.status, "self-reported"),
        "nonce": (result.nonce, NO_NONCE),
        "training": (result.training, training),
    }
    for name, (claimed, found) in claims.items():
        if claimed != found:
            raise ValueError(f"{folder}: result.json has {name} {claimed!r}; expected {found!r}")
    theirs = next((row for row in AGENTS if row.name == result.agent), None)
    if theirs and theirs.entry != result.entry:
        raise ValueError(
            f"{folder}: agent is {result.agent!r}, which is {theirs.entry}, but entry is {result.entry!r}; "
            "give it a name of its own"
        )
    tensors, _ = load_tensors(folder / "model.safetensors")
    for name, tensor in tensors.items():
        if not tensor.isfinite().all():
            raise CheckpointError(f"{folder}: the weights {name!r} are not finite")
    if (commitment := commitment_of(run.model, run.entry, tensors)) != result.commitment:
        raise ValueError(
            f"{folder}: the commitment of result.json is {result.commitment}, but that of weights, "
            f"configuration and source is {commitment}; judge the run again"
        )
    if source and read_json(folder / "config.json").get("source") != source_digest(run.entry):
        raise ValueError(f"{folder}: {source} is not what the model was trained with; train it again")
    numbers = sum(tensor.numel() for tensor in tensors.values())
    constants = numbers - training.parameters  # which a model of one's own may hold, as buffers
    if constants < 0 or (source is None and constants):
        raise ValueError(
            f"{folder}: parameters is {training.parameters}, but the weights are {numbers} numbers"
        )
    _rungs(folder / "result.json", result, spec)
    return result


def check_record(folder: Path, claimed: Result) -> Result | None:
    """Return the record that a verifier has left beside a claim that was checked, if there is one.

    Raises:
        ValueError: If it is not one of this claim; the message says what is wrong.
    """
    record = claimed.verified_in(folder)
    if record is not None:
        _rungs(folder / RECORD, record, tasks.spec(claimed.task))
    return record


def verify(
    folder: Path,
    *,
    nonce: str | None = None,
    minutes: float = 60.0,
    gibibytes: float = 4.0,
    report: Callable[[Rung], None] = lambda rung: None,
) -> Result:
    """Play the ladder anew with the model of a submission that was checked; return a `verified` result.

    Args:
        folder: The submission.
        nonce: 32 bytes, hexadecimal, from which the sequences are drawn too: those of a record, to play it
            again. Without it they are drawn now, when the weights can no longer be chosen.
        minutes: How long the model may take in all.
        gibibytes: How much memory it may have.
        report: Called with every rung that is done.

    Raises:
        PlayerError: If the model fails, or takes more than it may.
    """
    claimed, started = Result.read(folder / "result.json"), time.perf_counter()
    spec = tasks.spec(claimed.task)
    task, nonce = spec.make(), nonce or secrets.token_hex(32)
    with Player(folder, task.output_size, minutes=minutes, gibibytes=gibibytes) as player:
        rungs = play_ladder(
            player,
            spec,
            claimed.commitment,
            references=references(task),
            whole=source_digest(_run(folder).entry) is None,
            nonce=nonce,
            rungs=rungs_of(spec),
            report=report,
        )
    own = {
        "status": "verified",
        "nonce": nonce,
        "rungs": rungs,
        "seconds": round(time.perf_counter() - started, 3),
        "versions": versions(),
        "commit": present_commit(),
        "hardware": hardware(),
        "created": datetime.now(UTC),
    }
    return claimed.model_copy(update=own)


def doubts(claimed: Result, own: Result) -> list[str]:
    """Say where claims differ from what was found by more than chance would explain.

    Compared are, rung by rung and for references too, the sequences that are all right (Fisher's exact test)
    and the bits that are wrong (a normal approximation, as if all bits of a sequence went wrong together,
    which is the widest that chance can be). Sequences differ, so counts do; `DOUBT` is shared by all tests
    of a submission.
    """
    found, threshold = [], DOUBT / (2 * sum(len(_scores(rung)) for rung in own.rungs))
    for mine, theirs in zip(own.rungs, claimed.rungs, strict=True):
        for (name, score), claim in zip(_scores(mine).items(), _scores(theirs).values(), strict=True):
            right = claim.all_right, score.all_right
            wrong = claim.wrong_symbols / theirs.symbols, score.wrong_symbols / mine.symbols
            if fisher(right[0], theirs.sequences, right[1], mine.sequences) < threshold:
                what = f"{right[0]} sequences all right were claimed, and {right[1]} found"
            elif two_shares(*wrong, theirs.sequences, mine.sequences) < threshold:
                what = f"{wrong[0]:.4f} of the symbols wrong were claimed, and {wrong[1]:.4f} found"
            else:
                continue
            found.append(f"{name} at {mine.sizes}: {what}")
    return found


def differences(record: Result, again: Result) -> list[str]:
    """Say where playing a record's own sequences again gave other counts, by more than rounding explains.

    On another machine, or with another order of sums, one sequence in a hundred may go the other way (one at
    least), and where a model errs, what it errs in: wrong symbols and costs may differ by a twentieth, or by
    one sequence's. What does not learn has no rounding: references are the same.
    """
    found = []
    for before, now in zip(record.rungs, again.rungs, strict=True):
        for (name, was), score in zip(_scores(before).items(), _scores(now).values(), strict=True):
            sequences, symbols = 0.0, 0.0
            if score is now.score:
                sequences = max(1, ROUNDED_SEQUENCES * now.sequences)
                symbols = max(now.symbols / now.sequences, ROUNDED_ERRORS * was.wrong_symbols)
            if abs(was.all_right - score.all_right) > sequences:
                what = f"{was.all_right} sequences all right in the record, {score.all_right} now"
            elif abs(was.wrong_symbols - score.wrong_symbols) > symbols:
                what = f"{was.wrong_symbols} wrong symbols in the record, {score.wrong_symbols} now"
            elif not _same_cost(was.cost_in_bits, score.cost_in_bits):
                what = f"a cost of {was.cost_in_bits} bits in the record, {score.cost_in_bits} now"
            else:
                continue
            found.append(f"{name} at {now.sizes}: {what}")
    return found


def _scores(rung: Rung) -> dict[str, Score]:
    """Return all scores of a rung, the agent's own first, the others in the order of their names."""
    return {"score": rung.score} | dict(sorted(rung.references.items()))


def _same_cost(before: float | None, now: float | None) -> bool:
    """Tell whether two costs are the same but for rounding."""
    if before is None or now is None:
        return before is now
    return math.isclose(before, now, rel_tol=ROUNDED_ERRORS, abs_tol=0.01)


def _weights(path: Path, held: Held | None) -> None:
    """Refuse weights that are not a plain file of a possible size, or not those that are held elsewhere."""
    if held is None:
        check_plain(path, LARGEST_WEIGHTS)
        return
    if not path.exists():
        raise ValueError(f"{path} is not there yet; get it from {held.address} first")
    check_plain(path, LARGEST_HELD)
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != held.sha256:
        raise ValueError(f"{path} has the SHA-256 {found}; expected that of the result, {held.sha256}")


def _run(folder: Path) -> Run:
    """Return the run that a submission is of, which has to be what it says in every field that is used."""
    try:
        run = Run.read(folder)
    except (TypeError, ValueError, KeyError, AttributeError) as error:
        raise ValueError(f"{folder / 'config.json'} is not the configuration of a run: {error}") from error
    for name, kind in (("agent", str), ("entry", str), ("task", str), ("model", dict), ("seed", int)):
        if type(getattr(run, name)) is not kind:
            raise ValueError(f"{folder / 'config.json'}: {name} is {getattr(run, name)!r}; expected {kind}")
    return run


def _training(folder: Path, run: Run, result: Result) -> Training:
    """Return what the result has to say of the training; the size of the state is the submitter's word."""
    state, said = (result.training.state_values, result.training.recipe) if result.training else (0, {})
    try:
        training = training_of(run, read_summary(folder), state)
    except ValueError as error:
        raise ValueError(f"{folder / 'summary.json'} is not the summary of a run: {error}") from error
    defaults = dataclasses.asdict(type(run.train)())
    # An option that came later, of which the result does not know, has its default.
    later = {name for name in training.recipe.keys() - said if training.recipe[name] == defaults[name]}
    recipe = {name: value for name, value in training.recipe.items() if name not in later}
    return training.model_copy(update={"recipe": recipe})


def _source(folder: Path, run: Run, trust_code: bool) -> str | None:
    """Return the name of the source of a model of the submitter's own; None for one of the project.

    Whatever else would be executed is refused.
    """
    if run.entry in {row.entry for row in AGENTS if row.learns}:
        return None
    where, _, name = run.entry.rpartition(":")
    source = Path(where)
    if not (name.isidentifier() and source.suffix == ".py" and source.parent == folder.resolve()):
        raise ValueError(
            f"{folder}: entry is {portable(run.entry)!r}; expected a model of the project, or a class in a "
            "file that lies beside config.json, where ntm-envs submit puts it"
        )
    check_plain(folder / source.name, LARGEST_SOURCE)
    if not trust_code:
        raise ValueError(
            f"{folder} has code of its own, {source.name}; read it, and if you trust it, use --trust-code"
        )
    return source.name


def _rungs(path: Path, result: Result, spec: TaskSpec) -> None:
    """Refuse rungs that are not the whole ladder, and numbers that contradict each other."""
    task, expected = spec.make(), rungs_of(spec)
    if [(rung.sizes, rung.sequences) for rung in result.rungs] != expected:
        raise ValueError(f"{path}: rungs are not the whole ladder of {spec.env_id}; evaluate without options")
    names = references(task).keys()
    for rung in result.rungs:
        symbols, keyed = _symbols(task, result, rung)
        if rung.symbols != symbols:
            raise ValueError(f"{path}: symbols is {rung.symbols} at {rung.sizes}; expected {symbols}")
        if rung.references.keys() != names:
            raise ValueError(f"{path}: references are {sorted(rung.references)}; expected {sorted(names)}")
        if not rung.best[1] > rung.references["constant"].mean_return:
            raise ValueError(
                f"{path}: the {rung.best[0]} is no better than a constant output at {rung.sizes}"
            )
        low, high = task.return_bounds({name: np.array([size]) for name, size in rung.sizes.items()})
        for name, score in _scores(rung).items():
            if not low[0] - 1e-6 <= score.mean_return <= high[0] + 1e-6:
                raise ValueError(
                    f"{path}: {name}.mean_return is {score.mean_return} at {rung.sizes}; expected "
                    f"{low[0]} to {high[0]}"
                )
            expected_return = None if keyed else task.answers.mean_return(score.wrong_symbols, symbols)
            if expected_return is not None and not math.isclose(
                score.mean_return, expected_return, abs_tol=1e-6
            ):
                raise ValueError(
                    f"{path}: {name}.mean_return is {score.mean_return} at {rung.sizes}, but "
                    f"{score.wrong_symbols} of {symbols} symbols wrong make {expected_return}"
                )


def _symbols(task: Task, result: Result, rung: Rung) -> tuple[int, bool]:
    """Return the scored symbols of a rung, and whether mean returns do not follow from counts of them."""
    if not isinstance(task, SequenceTask):
        assert isinstance(task, InteractiveTask)
        sizes = {name: np.full(rung.sequences, size) for name, size in rung.sizes.items()}
        return int(task.count_symbols(sizes).sum()), True
    if task.keyed_steps:
        keys = evaluation_keys(result.commitment, result.nonce, result.task, rung.sizes, rung.sequences)
        return int(task.episodes(keys, **rung.sizes).mask.sum()) * task.answers.width, True
    one = int(task.episodes(np.zeros(1, np.int64), **rung.sizes).mask.sum()) * task.answers.width
    return one * rung.sequences, False
