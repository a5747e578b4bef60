"""The verification of submitted results: their origin, and the reproduction of their numbers.

Nothing of a submission is trusted. What can be checked without running its model is checked first, file by
file, and its model then plays in a process of its own (:mod:`ntm_leaderboard.board.player`). The outcome is a
record (:mod:`ntm_leaderboard.board.records`), which lies apart from the submission.
"""

from __future__ import annotations

import math
import os
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Any

from ntm_agents.memory_machine import MemoryMachine
from ntm_agents.training.checkpoint import CheckpointError
from ntm_agents.training.run import (
    WEIGHTS,
    Run,
    load_weights,
    read_description,
    read_summary,
    versions,
)
from ntm_agents.training.sources import source_digest
from ntm_envs import capacity, tasks
from ntm_envs.files import check_plain
from ntm_leaderboard.board.boards import SHIPPED, load
from ntm_leaderboard.board.copies import COPY, distance
from ntm_leaderboard.board.numbers import check_counts, check_rungs, check_training, scores_of
from ntm_leaderboard.board.plain_json import check_json
from ntm_leaderboard.board.player import Player
from ntm_leaderboard.board.records import Verification, digest
from ntm_leaderboard.board.statistics import fisher, two_shares
from ntm_leaderboard.board.weights import with_weights
from ntm_leaderboard.harness.entrants import (
    AGENTS,
    commitment_of,
    numbers_in,
    portable,
    references,
    training_of,
)
from ntm_leaderboard.harness.evaluate import hardware, present_commit
from ntm_leaderboard.harness.ladder import play_ladder, rungs_of
from ntm_leaderboard.harness.probe import probe
from ntm_leaderboard.results import NO_NONCE, Result, Rung, Training

FILES = ("result.json", "config.json", "summary.json", WEIGHTS)
"""The files of a submitted run, besides the source of a custom model."""
LARGEST_SOURCE = 2**18
"""Largest number of bytes of the source of a custom model."""
PACKAGES = ("ntm_agents", "ntm_baselines")
"""Names that the source of a custom model may not have: entries would read like the project's."""
ROUNDED_SEQUENCES, ROUNDED_ERRORS = 0.01, 0.05
"""Shares of sequences, and of wrong symbols and costs, that may come out differently by rounding alone."""
DOUBT = 0.001
"""Family-wise false-alarm rate per submission (Bonferroni-corrected)."""


def runs_in(folder: Path) -> Iterator[Path]:
    """Yield the folders below one, and itself, that have a result, but for hidden ones.

    Links are not followed.
    """
    for where, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        if "result.json" in files:
            yield Path(where)


def check(folder: Path, *, trust_code: bool = False) -> Result:
    """Check all that can be checked without running the model, and return the result that is claimed.

    Args:
        folder: What :func:`ntm_leaderboard.board.submission.pack` has made of a run.
        trust_code: Whether the source file of a custom model may be executed later.

    Raises:
        FileNotFoundError: If a file is missing.
        ValueError: If one is too large, not a plain file or not what it should be, or if they do not belong
            together; the message names the fault.
        CheckpointError: If the weights are no whole safetensors file.
    """
    for name in FILES:
        if name != WEIGHTS:
            check_json(folder / name)
    result = Result.read(folder / "result.json")
    run, stored = _run(folder)
    source = _source(folder, run, trust_code)
    for path in sorted(folder.iterdir()):
        if path.name == "verified.json":
            raise ValueError(
                f"{path} came with the submission, which cannot vouch for itself; delete it, and keep "
                "records of your own elsewhere: ntm-envs verify --records"
            )
        if path.name not in (*FILES, source):
            raise ValueError(f"{path} belongs to no submission; a custom model is one file, and reads none")
    spec = next((row for row in tasks.TABLE if row.env_id == result.task), None)
    if spec is None:
        known = ", ".join(row.env_id for row in tasks.TABLE)
        raise ValueError(f"{folder}: task is {result.task!r}, which is not on the board; expected {known}")
    if run.task != spec.name:  # before anything looks it up, which would execute a file
        raise ValueError(f"{folder}: config.json has task {run.task!r}; expected {spec.name!r}")
    with with_weights(folder, result.held) as whole:
        tensors = load_weights(whole)
    numbers = numbers_in(tensors)
    training = _training(folder, run, stored["train"], result, numbers)
    claims = {
        "agent": (result.agent, run.agent),
        "format": (result.format, stored.get("format", 1)),
        "entry": (result.entry, portable(stored["entry"])),
        "model": (result.model, stored["model"]),
        "seed": (result.seed, run.seed),
        "privileges": (result.privileges, list(run.train.privileges)),
        "status": (result.status, "self-reported"),
        "nonce": (result.nonce, NO_NONCE),
        "training": (result.training, training),
    }
    for name, (claimed, found) in claims.items():
        if claimed != found:
            raise ValueError(f"{folder}: result.json has {name} {claimed!r}; expected {found!r}")
    theirs = next((row for row in AGENTS if row.name.casefold() == result.agent.casefold()), None)
    if theirs and (theirs.name, theirs.entry) != (result.agent, run.entry):
        raise ValueError(
            f"{folder}: agent is {result.agent!r}, but {theirs.name!r} is {theirs.entry}, and entry "
            f"is {result.entry!r}; give it a name of its own"
        )
    for name, tensor in tensors.items():
        if not tensor.isfinite().all():
            raise CheckpointError(f"{folder}: the weights {name!r} are not finite")
    digest = source_digest(run.entry)
    if (commitment := commitment_of(stored, tensors, digest)) != result.commitment:
        raise ValueError(
            f"{folder}: the commitment of result.json is {result.commitment}, but that of weights, "
            f"configuration and source is {commitment}; evaluate the run again"
        )
    if result.probe is None and all(known.commitment != commitment for known in load(SHIPPED)):
        raise ValueError(
            f"{folder}: result.json has no probe, which only results from before there were probes may lack; "
            "evaluate the run again"
        )
    if source and stored.get("source") != digest:
        raise ValueError(f"{folder}: {source} is not what the model was trained with; train it again")
    if source is None and training.parameters < numbers:  # a custom model may hold constants, as buffers
        raise ValueError(
            f"{folder}: parameters is {training.parameters}, but the weights are {numbers} numbers"
        )
    check_rungs(folder / "result.json", result, spec)
    return result


def verify(
    folder: Path,
    verifier: str,
    *,
    nonce: str | None = None,
    minutes: float = 60.0,
    gibibytes: float = 4.0,
    report: Callable[[Rung], None] = lambda rung: None,
) -> Verification:
    """Play the ladder anew with the model of a submission that was checked; return the record.

    Args:
        folder: The submission.
        verifier: Name of whoever verifies it.
        nonce: 32 bytes, hexadecimal, from which the sequences are drawn too: those of a record, to replay it.
            Without it they are drawn once the model is loaded, when nothing of it can be chosen any more.
        minutes: Largest time of the model in all.
        gibibytes: Largest memory of the model.
        report: Called with every rung that is done.

    Raises:
        ValueError: If the model has more parameters or values of its state than is claimed.
        PlayerError: If the model fails, or takes more than it may.
    """
    # All is read before the model is loaded, as its code might exchange the files.
    path, started = folder / "result.json", time.perf_counter()
    claimed, claim = Result.read(path), digest(path)
    spec = tasks.spec(claimed.task)
    task, entry = spec.make(), _run(folder)[0].entry
    trusted, present = source_digest(entry) is None, versions(entry)
    with ExitStack() as stack:
        whole = stack.enter_context(with_weights(folder, claimed.held))
        weights = load_weights(whole)
        player = stack.enter_context(Player(whole, task.output_size, minutes=minutes, gibibytes=gibibytes))
        check_counts(folder, claimed, player.counts(capacity(task.steps(**spec.largest))))
        nonce, compared = nonce or secrets.token_hex(32), references(task)
        rungs = play_ladder(
            player,
            spec,
            claimed.commitment,
            references=compared,
            whole=trusted,
            nonce=nonce,
            rungs=rungs_of(spec),
            report=report,
        )
        probed = probe(
            player,
            player.untrained,
            weights,
            spec,
            claimed.commitment,
            references=compared,
            whole=trusted,
            nonce=nonce,
        )
    own = claimed.model_copy(
        update={
            "status": "verified",
            "nonce": nonce,
            "rungs": rungs,
            "probe": probed,
            "seconds": round(time.perf_counter() - started, 3),
            "versions": present,
            "commit": present_commit(),
            "hardware": hardware(),
            "created": datetime.now(UTC),
        }
    )
    return Verification(
        verifier=verifier,
        files={"result.json": claim, **player.files},
        confined=player.confined,
        result=own,
    )


def doubts(claimed: Result, own: Result) -> list[str]:
    """Return where claims differ from a verifier's numbers by more than chance explains, a text for each.

    The sequences differ, so the counts do. Two tests compare each rung, for the agent and for references:
    Fisher's exact test compares the correct sequences, and a normal approximation the share of
    wrong symbols, as if all symbols of a sequence went wrong together, which is the widest that chance can
    be. `DOUBT` is shared by all tests of a submission.
    """
    found, threshold = [], DOUBT / (2 * sum(len(scores_of(rung)) for rung in own.rungs))
    for mine, theirs in zip(own.rungs, claimed.rungs, strict=True):
        for (name, score), claim in zip(scores_of(mine).items(), scores_of(theirs).values(), strict=True):
            right = claim.all_right, score.all_right
            wrong = claim.wrong_symbols / theirs.symbols, score.wrong_symbols / mine.symbols
            if fisher(right[0], theirs.sequences, right[1], mine.sequences) < threshold:
                what = f"{right[0]} correct sequences were claimed, and {right[1]} found"
            elif two_shares(*wrong, theirs.sequences, mine.sequences) < threshold:
                what = f"{wrong[0]:.4f} of the symbols wrong were claimed, and {wrong[1]:.4f} found"
            else:
                continue
            found.append(f"{name} at {mine.sizes}: {what}")
    return found


def differences(record: Result, again: Result) -> list[str]:
    """Return where a replay of a record's own sequences gave other counts than rounding explains.

    On another machine, or with another order of sums, one sequence in a hundred may come out differently (one
    at least). Where a model errs, its errors may: wrong symbols and costs may differ by a twentieth, or by
    those of one sequence. References have no rounding and must be the same.
    Probes of both must be of one model.
    """
    found = []
    if (mine := record.probe) and (theirs := again.probe):
        for name in ("outputs", "weights"):
            if (apart := distance(getattr(mine, name), getattr(theirs, name))) >= COPY:
                found.append(f"probe.{name} is that of another model in the record, {apart:.3f} away")
        if abs((mine.untrained or 0) - (theirs.untrained or 0)) > ROUNDED_ERRORS:
            found.append(f"probe.untrained is {mine.untrained} in the record, {theirs.untrained} now")
    for before, now in zip(record.rungs, again.rungs, strict=True):
        for (name, was), score in zip(scores_of(before).items(), scores_of(now).values(), strict=True):
            sequences, symbols = 0.0, 0.0
            if score is now.score:
                sequences = max(1, ROUNDED_SEQUENCES * now.sequences)
                symbols = max(now.symbols / now.sequences, ROUNDED_ERRORS * was.wrong_symbols)
            if abs(was.all_right - score.all_right) > sequences:
                what = f"{was.all_right} correct sequences in the record, {score.all_right} now"
            elif abs(was.wrong_symbols - score.wrong_symbols) > symbols:
                what = f"{was.wrong_symbols} wrong symbols in the record, {score.wrong_symbols} now"
            elif not _same_cost(was.cost_in_bits, score.cost_in_bits):
                what = f"a cost of {was.cost_in_bits} bits in the record, {score.cost_in_bits} now"
            else:
                continue
            found.append(f"{name} at {now.sizes}: {what}")
    return found


def _same_cost(before: float | None, now: float | None) -> bool:
    """Return whether two costs are the same but for rounding."""
    if before is None or now is None:
        return before is now
    return math.isclose(before, now, rel_tol=ROUNDED_ERRORS, abs_tol=0.01)


def _run(folder: Path) -> tuple[Run, dict[str, Any]]:
    """Return the run of a submission, and its description."""
    return Run.read(folder), read_description(folder)


def _training(folder: Path, run: Run, recipe: dict[str, Any], result: Result, weights: int) -> Training:
    """Return the record of the training to expect; the size of the state is checked when the model plays."""
    state = result.training.state_values if result.training else 0
    path, summary = folder / "summary.json", read_summary(folder)
    try:
        training = training_of(run, recipe, summary, state, weights)
    except ValueError as error:
        raise ValueError(f"{path} is not the summary of a run: {error}") from error
    check_training(path, run, summary, training)
    return training


def _source(folder: Path, run: Run, trust_code: bool) -> str | None:
    """Return the name of the source of a custom model; None for a model of the project.

    Refuse any other entry, as it would be executed, and one that reads like a model of the project.
    """
    where, _, name = run.entry.rpartition(":")
    if run.entry in {row.entry for row in AGENTS if row.learns} or (
        where in PACKAGES and _is_machine(getattr(import_module(where), name, None))
    ):
        return None
    source = Path(where)
    if not (name.isidentifier() and source.suffix == ".py" and source.parent == folder.resolve()):
        raise ValueError(
            f"{folder}: entry is {portable(run.entry)!r}; expected a model of the project, or a class in a "
            "file that lies beside config.json, where ntm-envs submit puts it"
        )
    if source.stem.partition(".")[0] in PACKAGES:
        raise ValueError(f"{folder}: entry is {portable(run.entry)!r}, like one of the project; rename it")
    check_plain(folder / source.name, LARGEST_SOURCE)
    if not trust_code:
        raise ValueError(
            f"{folder} has code of its own, {source.name}; read it, and if you trust it, use --trust-code"
        )
    return source.name


def _is_machine(found: object) -> bool:
    """Return whether an object is a machine, which may be trained by its reference, with or without a row."""
    return isinstance(found, type) and issubclass(found, MemoryMachine)
