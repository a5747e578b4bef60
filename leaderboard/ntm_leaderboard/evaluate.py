"""Plays the ladder of a task with an agent, through the environment and nothing else.

The sequences of a rung cannot be chosen and cannot have been trained on: their keys are drawn from a
commitment to everything that decides the agent's behaviour.

Shape letters: B episodes, I input channels, O output channels.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray

import ntm_envs
from ntm_envs.agent import Agent
from ntm_envs.tasks import TaskSpec
from ntm_leaderboard.results import NO_NONCE, Rung, Score

SLOTS_AT_A_TIME = 2**17
"""So many episodes are played side by side that their memories, of `capacity` slots each, have this many
slots in all: more of them do not fit into a processor's cache, and take several times as long each."""


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
    """Return the rungs of a task that are to be played, and how many sequences of each.

    Args:
        spec: The task.
        up_to: Leave out the rungs at which a size is larger; None for the whole ladder.
        sequences: Sequences of a rung, if fewer than the ladder asks for.

    Raises:
        ValueError: If no rung is left, or no sequence.
    """
    if sequences is not None and sequences < 1:
        raise ValueError(f"sequences is {sequences}; expected at least 1")
    rungs = [dict(rung) for rung in spec.rungs if up_to is None or max(rung.values()) <= up_to]
    if not rungs:
        least = " and ".join(f"{name} {size}" for name, size in spec.rungs[0].items())
        raise ValueError(f"no rung of {spec.name} is up to {up_to}; the smallest is {least}")
    most = [spec.rung_sequences(rung) for rung in rungs]
    return [(rung, min(n, sequences or n)) for rung, n in zip(rungs, most, strict=True)]


def play(
    agent: Agent, spec: TaskSpec, sizes: Mapping[str, int], keys: NDArray[np.int64], seed: int = 0
) -> tuple[Score, int]:
    """Play episodes of one size.

    Args:
        agent: Who plays.
        spec: The task.
        sizes: The size of the episodes.
        keys: The keys of the episodes ``[B]``.
        seed: Seed of the agent's own randomness.

    Returns:
        The score, and the number of scored bits of all episodes.

    Raises:
        ValueError: If the agent's outputs have the wrong shape or values.
    """
    task = spec.make()
    capacity = ntm_envs.capacity(task.steps(**sizes))
    played, bits = [], 0
    for start in range(0, len(keys), rows := max(1, SLOTS_AT_A_TIME // capacity)):
        chunk = keys[start : start + rows]
        played.append(_play(agent, spec, sizes, chunk, capacity, seed + start))
        batch = task.episodes(chunk, **sizes)
        bits += int(batch.mask.sum()) * batch.targets.shape[2]
    returns, wrong, costs = (np.concatenate(parts) for parts in zip(*played, strict=True))
    score = Score(
        all_right=int((wrong == 0).sum()),
        wrong_bits=int(wrong.sum()),
        mean_return=float(returns.mean()),
        cost_in_bits=float(costs.mean()) if agent.outputs == "probabilities" else None,
    )
    return score, bits


def _play(
    agent: Agent, spec: TaskSpec, sizes: Mapping[str, int], keys: NDArray[np.int64], capacity: int, seed: int
) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Play episodes side by side; return their returns, wrong bits and costs ``[B]``."""
    arguments: dict[str, Any] = {"actions": agent.outputs, "autoreset_mode": "Disabled", **sizes}
    env = gym.make_vec(spec.env_id, num_envs=len(keys), **arguments)
    observations, _ = env.reset(seed=0, options={"key": keys})
    agent.begin(len(keys), capacity, seed)
    returns, over = np.zeros(len(keys)), np.zeros(len(keys), np.bool_)
    while not over.any():  # episodes of one size end together
        observations, rewards, over, _, info = env.step(agent.act(observations))
        returns += rewards
    env.close()
    assert over.all(), f"episodes of the same sizes {dict(sizes)} have different numbers of steps"
    return returns, info["wrong_bits"], info.get("cost_in_bits", np.zeros(len(keys)))


def evaluate(
    agent: Agent,
    spec: TaskSpec,
    commitment: str,
    *,
    references: Mapping[str, Agent],
    nonce: str = NO_NONCE,
    rungs: Iterable[tuple[Mapping[str, int], int]],
    report: Callable[[Rung], None] = lambda rung: None,
) -> list[Rung]:
    """Play the rungs of a task with an agent, and with the references on the same sequences.

    Args:
        agent: Who is judged.
        spec: The task.
        commitment: SHA-256 of what decides the agent's behaviour, hexadecimal.
        references: Whom the agent is compared with, by name.
        nonce: Zeros, or 32 random bytes that a verifier drew afterwards, hexadecimal.
        rungs: The rungs to play, and how many sequences of each.
        report: Called with every rung that is done.
    """
    done = []
    for sizes, count in rungs:
        keys = evaluation_keys(commitment, nonce, spec.env_id, sizes, count)
        score, bits = play(agent, spec, sizes, keys)
        compared = {name: play(other, spec, sizes, keys)[0] for name, other in references.items()}
        rung = Rung(sizes=dict(sizes), sequences=count, bits=bits, score=score, references=compared)
        done.append(rung)
        report(rung)
    return done
