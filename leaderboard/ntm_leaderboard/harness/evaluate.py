"""The evaluation of an entrant, which writes its result."""

from __future__ import annotations

import os
import platform
import subprocess
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from ntm_envs.files import check_writable
from ntm_leaderboard.earlier import VERSION
from ntm_leaderboard.harness.entrants import Entrant, references
from ntm_leaderboard.harness.ladder import play_ladder, rungs_of
from ntm_leaderboard.harness.probe import probe
from ntm_leaderboard.harness.protocols import Protocol
from ntm_leaderboard.results import NO_NONCE, Result, Rung

CODE = tuple(f":(top){name}" for name in ("ntm_envs", "agents", "baselines", "leaderboard/ntm_leaderboard"))
"""Parts of a checkout that numbers depend on, unlike logs of benchmarks."""


def evaluate(
    entrant: Entrant,
    path: Path,
    *,
    up_to: int | None = None,
    sequences: int | None = None,
    protocol: Protocol | None = None,
    rows: int | None = None,
    report: Callable[[Rung], None] = lambda rung: None,
) -> Result:
    """Play the ladder with an entrant, or the lengths of a protocol, and write the result.

    Args:
        entrant: The agent.
        path: File of the result.
        up_to: Leave out the rungs at which a size is larger, and include further ones (:func:`rungs_of`);
            None for the whole ladder.
        sequences: Sequences of a rung, if fewer than the ladder asks for.
        protocol: Protocol of published tables to play in place of the ladder; None for the ladder.
        rows: Number of sequences to play side by side; None for as many as a bounded memory holds.
        report: Called with every rung that is done.

    Raises:
        ValueError: If no rung is left, the protocol is not for the task, `rows` is less than 1, or the file
            holds more sequences of the same agent on a rung.
        OSError: If the result cannot be written.
    """
    if rows is not None and rows < 1:
        raise ValueError(f"rows is {rows}; expected at least 1")
    spec, started = entrant.spec, time.perf_counter()
    rungs = protocol.rungs(spec, sequences) if protocol else rungs_of(spec, up_to=up_to, sequences=sequences)
    if path.exists():
        try:
            before = Result.read(path)
        except ValueError as error:  # perhaps it is no result, and of value
            raise ValueError(f"{error}; choose another --output, or delete it") from error
        for rung in before.rungs if before.commitment == entrant.commitment else ():
            count = next((count for sizes, count in rungs if sizes == rung.sizes), 0)
            if rung.sequences > count:
                raise ValueError(
                    f"{path} has {rung.sequences} sequences of the same agent at {rung.sizes}, and this "
                    f"would replace them by {count}; choose another --output, or delete it"
                )
    check_writable(path)
    compared = references(spec.make())
    done = play_ladder(
        entrant.agent,
        spec,
        entrant.commitment,
        references=compared,
        whole=entrant.trusted,
        rows=rows,
        rungs=rungs,
        report=report,
    )
    probed = entrant.untrained and probe(
        entrant.agent,
        entrant.untrained,
        entrant.weights,
        spec,
        entrant.commitment,
        references=compared,
        whole=entrant.trusted,
    )
    result = Result(
        schema_version=VERSION,
        agent=entrant.name,
        format=entrant.format,
        entry=entrant.entry,
        model=entrant.model,
        task=spec.env_id,
        seed=entrant.seed,
        training=entrant.training,
        privileges=list(entrant.privileges),
        commitment=entrant.commitment,
        nonce=NO_NONCE,
        seconds=round(time.perf_counter() - started, 3),
        rungs=done,
        probe=probed,
        versions=entrant.versions,
        commit=present_commit(),
        hardware=hardware(),
        created=datetime.now(UTC),
    )
    result.write(path)
    return result


def hardware() -> str:
    """Return a description of this machine."""
    return f"{platform.machine()} {platform.system()}, {os.cpu_count()} processors"


def present_commit() -> str | None:
    """Return the commit of the checkout that this file is in, if any; with `-dirty` if code was changed."""
    here = Path(__file__)

    def git(*arguments: str) -> str:
        command = ["git", "-C", str(here.parent), *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    try:
        git("ls-files", "--error-unmatch", here.name)  # it may be installed inside of another repository
        changed = git("status", "--porcelain", "--untracked-files=no", "--", *CODE)
        return git("rev-parse", "HEAD") + ("-dirty" if changed else "")
    except (OSError, subprocess.CalledProcessError):
        return None
