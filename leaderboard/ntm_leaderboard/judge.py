"""Judges a contestant and writes its result."""

from __future__ import annotations

import os
import platform
import subprocess
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from ntm_agents.training.run import versions
from ntm_leaderboard.contestants import AGENTS, Contestant
from ntm_leaderboard.evaluate import NO_NONCE, evaluate
from ntm_leaderboard.results import Result, Rung


def judge(
    contestant: Contestant,
    path: Path,
    *,
    up_to: int | None = None,
    sequences: int | None = None,
    report: Callable[[Rung], None] = lambda rung: None,
) -> Result:
    """Play the ladder with a contestant and write the result.

    Args:
        contestant: Who is judged.
        path: Where the result goes.
        up_to: Leave out the rungs at which a size is larger; None for the whole ladder.
        sequences: Sequences of a rung, if fewer than the ladder asks for.
        report: Called with every rung that is done.

    Raises:
        ValueError: If no rung is left.
    """
    spec, started = contestant.spec, time.perf_counter()
    rungs = [rung for rung in spec.rungs if up_to is None or max(rung.values()) <= up_to]
    if not rungs:
        raise ValueError(f"no rung of {spec.name} is up to {up_to}; its rungs: {list(spec.rungs)}")
    task = spec.make()
    done = evaluate(
        contestant.agent,
        spec,
        contestant.commitment,
        references={row.name: row.make(task) for row in AGENTS if not row.learns},
        rungs=rungs,
        sequences=sequences,
        report=report,
    )
    result = Result(
        agent=contestant.name,
        entry=contestant.entry,
        model=contestant.model,
        task=spec.env_id,
        seed=contestant.seed,
        training=contestant.training,
        commitment=contestant.commitment,
        nonce=NO_NONCE,
        seconds=round(time.perf_counter() - started, 3),
        rungs=done,
        versions=versions(),
        commit=_commit(),
        hardware=f"{platform.machine()} {platform.system()}, {os.cpu_count()} processors",
        created=datetime.now(UTC),
    )
    result.write(path)
    return result


def _commit() -> str | None:
    """Return the commit of the checkout that this file belongs to, if it is one."""
    here = Path(__file__)

    def git(*arguments: str) -> str:
        command = ["git", "-C", str(here.parent), *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    try:
        git("ls-files", "--error-unmatch", here.name)  # it may be installed inside of another repository
        return git("rev-parse", "HEAD")
    except (OSError, subprocess.CalledProcessError):
        return None
