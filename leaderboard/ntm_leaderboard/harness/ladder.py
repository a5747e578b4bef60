"""The ladder of a task, played by an agent.

The sequences of a rung cannot be chosen and cannot have been trained on: their keys are drawn from a
commitment to everything that decides the agent's behaviour.

Shape letter: B episodes.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping

import numpy as np
from numpy.typing import NDArray

import ntm_envs
from ntm_envs import playing
from ntm_envs.agent import Agent, SizedAgent
from ntm_envs.tasks import Batch, SequenceTask, TaskSpec
from ntm_leaderboard.results import NO_NONCE, Rung, Score

SLOTS_AT_A_TIME = 2**17
"""Largest number of memory slots of all episodes that are played side by side, `capacity` each. More do not
fit into a processor's cache. It bounds the memory that whole sequences take as well."""
BYTES_AT_A_TIME = 2**29
"""Largest size of the states of all episodes that are played side by side, as far as agents tell it."""


def evaluation_keys(
    commitment: str, nonce: str, task_id: str, sizes: Mapping[str, int], count: int
) -> NDArray[np.int64]:
    """Return the keys of the first ``count`` sequences of a rung.

    Key i is the first 63 bits of the SHA-256 of the JSON text
    ``["ntm-envs-eval/1",commitment,nonce,task_id,{sizes, sorted},i]`` without spaces.
    """

    def key(i: int) -> int:
        parts = ["ntm-envs-eval/1", commitment, nonce, task_id, dict(sizes), i]
        text = json.dumps(parts, sort_keys=True, separators=(",", ":"))
        return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1

    return np.array([key(i) for i in range(count)], np.int64)


def rungs_of(
    spec: TaskSpec, *, up_to: int | None = None, sequences: int | None = None
) -> list[tuple[dict[str, int], int]]:
    """Return the rungs of a task to play, each with its number of sequences.

    Args:
        spec: The task.
        up_to: Leave out the rungs at which a size is larger, and include the further ones that are not; None
            for the whole ladder, without further rungs.
        sequences: Sequences of a rung, if fewer than the ladder asks for.

    Raises:
        ValueError: If no rung is left, or no sequence.
    """
    if sequences is not None and sequences < 1:
        raise ValueError(f"sequences is {sequences}; expected at least 1")
    every = spec.rungs if up_to is None else (*spec.rungs, *spec.further_rungs)
    rungs = [dict(rung) for rung in every if up_to is None or max(rung.values()) <= up_to]
    if not rungs:
        least = " and ".join(f"{name} {size}" for name, size in spec.rungs[0].items())
        raise ValueError(f"no rung of {spec.name} is up to {up_to}; the smallest is {least}")
    most = [spec.rung_sequences(rung) for rung in rungs]
    return [(rung, min(n, sequences or n)) for rung, n in zip(rungs, most, strict=True)]


def rows_of(agent: Agent, capacity: int) -> int:
    """Return how many episodes an agent plays side by side: at least one, with a memory that is bounded."""
    rows = SLOTS_AT_A_TIME // capacity
    if isinstance(agent, SizedAgent):
        rows = min(rows, BYTES_AT_A_TIME // max(1, agent.bytes_per_episode(capacity)))
    return max(1, rows)


def play(
    agent: Agent,
    spec: TaskSpec,
    sizes: Mapping[str, int],
    keys: NDArray[np.int64],
    seed: int = 0,
    *,
    batch: Batch | None = None,
    rows: int | None = None,
) -> tuple[Score, int]:
    """Play episodes of one size.

    Args:
        agent: The agent.
        spec: The task.
        sizes: The size of the episodes.
        keys: The keys of the episodes ``[B]``.
        seed: Seed of the agent's own randomness.
        batch: These episodes, if the agent may take all of their inputs at once.
        rows: Number of episodes to play side by side; None for as many as `rows_of` returns.

    Returns:
        The score, and the number of scored symbols of all episodes.

    Raises:
        ValueError: If the agent's outputs have the wrong shape or values.
    """
    task = spec.make()
    capacity = ntm_envs.capacity(task.steps(**sizes))
    rows = rows or rows_of(agent, capacity)
    parts = []
    for i in range(0, len(keys), rows):
        chosen = slice(i, i + rows)
        if batch is not None and isinstance(task, SequenceTask):
            part = playing.play_batch(agent, task, batch.rows(chosen), capacity=capacity, seed=seed + i)
        else:
            part = playing.play(agent, task, sizes, keys[chosen], capacity=capacity, seed=seed + i)
        parts.append(part)
    wrong = np.concatenate([part.wrong for part in parts])
    costs = [part.costs for part in parts if part.costs is not None]
    score = Score(
        all_right=int((wrong == 0).sum()),
        wrong_symbols=int(wrong.sum()),
        mean_return=float(np.concatenate([part.returns for part in parts]).mean()),
        cost_in_bits=float(np.concatenate(costs).mean()) if costs else None,
        metrics={
            name: float(np.concatenate([part.metrics[name] for part in parts]).mean())
            for name in parts[0].metrics
        },
    )
    return score, int(sum(part.symbols.sum() for part in parts))


def play_ladder(
    agent: Agent,
    spec: TaskSpec,
    commitment: str,
    *,
    references: Mapping[str, Agent],
    whole: bool = False,
    rows: int | None = None,
    nonce: str = NO_NONCE,
    rungs: Iterable[tuple[Mapping[str, int], int]],
    report: Callable[[Rung], None] = lambda rung: None,
) -> list[Rung]:
    """Play the rungs of a task with an agent, and with the references on the same sequences.

    Args:
        agent: The agent.
        spec: The task.
        commitment: SHA-256 of everything that decides the agent's behaviour, hexadecimal.
        references: The agents of this project that it is compared with, by name.
        whole: Whether the agent may take whole sequences, as models of this project's own code may.
        rows: Number of sequences that the agent plays side by side; None for as many as `rows_of` returns.
        nonce: Zeros, or 32 random bytes that a verifier drew afterwards, hexadecimal.
        rungs: The rungs to play, each with its number of sequences.
        report: Called with every rung that is done.
    """
    done, task = [], spec.make()
    for sizes, count in rungs:
        keys = evaluation_keys(commitment, nonce, spec.env_id, sizes, count)
        batch = task.episodes(keys, **sizes) if isinstance(task, SequenceTask) else None
        score, symbols = play(agent, spec, sizes, keys, batch=batch if whole else None, rows=rows)
        compared = {
            name: play(other, spec, sizes, keys, batch=batch)[0] for name, other in references.items()
        }
        rung = Rung(sizes=dict(sizes), sequences=count, symbols=symbols, score=score, references=compared)
        done.append(rung)
        report(rung)
    return done
