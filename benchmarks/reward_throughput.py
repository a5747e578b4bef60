"""Measures steps per second of learning from rewards, beside Stable-Baselines3's own means.

    taskset --cpu-list 0 .venv/bin/python benchmarks/reward_throughput.py

Environments alone take random actions, which are drawn beforehand. Policies learn, with the same numbers of
environments, steps, batches and epochs; their time includes the updates. Everything is measured in turn,
several times over, because machines are shared: the table has the median and, in brackets, the best.
"""

from __future__ import annotations

import os

os.environ["OMP_NUM_THREADS"] = "1"  # before NumPy is imported

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

import gymnasium as gym
import numpy as np
import torch
import tyro
from sb3_contrib.common.recurrent.policies import RecurrentActorCriticPolicy
from stable_baselines3.common.vec_env import DummyVecEnv

from ntm_agents import NTM
from ntm_baselines import LSTM
from ntm_baselines.sb3 import MemoryPolicy, MemoryPPO, RecurrentPPO, SequenceVecEnv

COPY = "ntm_envs/Copy-v0"
WORK: dict[str, Any] = {"n_steps": 64, "batch_size": 1024, "n_epochs": 4, "device": "cpu"}


@dataclass(frozen=True)
class Options:
    """Measure how fast environments and policies are."""

    rounds: int = 5
    """Number of rounds."""
    hidden_size: int = 128
    """Hidden size of the LSTMs."""


def stepping(env: Any, steps: int) -> Callable[[], float]:
    """Return a function that measures the steps per second of an environment."""
    env.reset()
    actions = np.random.default_rng(0).integers(2, size=(16, env.num_envs, 8)).astype(np.int8)

    def measure() -> float:
        started = time.perf_counter()
        for step in range(steps):
            env.step(actions[step % 16])
        return float(steps * env.num_envs) / (time.perf_counter() - started)

    return measure


def learning(algorithm: Any, rollouts: int = 2) -> Callable[[], float]:
    """Return a function that measures the steps per second of an algorithm."""
    steps = rollouts * algorithm.n_steps * algorithm.n_envs
    algorithm.learn(steps)  # compiles what is compiled

    def measure() -> float:
        started = time.perf_counter()
        algorithm.learn(steps)
        return float(steps) / (time.perf_counter() - started)

    return measure


def main(options: Options) -> None:
    """Measure in turn, and print."""
    torch.set_num_threads(1)
    measures: dict[str, Callable[[], float]] = {}
    for count in (64, 256, 1024):
        single = [lambda: gym.make(COPY)] * count
        measures[f"DummyVecEnv, {count}"] = stepping(DummyVecEnv(single), 20_000 // count)
        measures[f"SequenceVecEnv, {count}"] = stepping(SequenceVecEnv(COPY, count), 400_000 // count)
    for most in (5, 20):

        def env(most: int = most) -> SequenceVecEnv:
            return SequenceVecEnv(COPY, 64, length=(1, most))

        lstm: dict[str, Any] = {"lstm_hidden_size": options.hidden_size}
        alike = lstm | {"enable_critic_lstm": False, "net_arch": []}
        for name, policy in (("two LSTMs, as it comes", lstm), ("one LSTM", alike)):
            stock = RecurrentPPO("MlpLstmPolicy", env(), policy_kwargs=policy, **WORK)
            measures[f"sb3-contrib, {name}, length 1 to {most}"] = learning(stock)
        for name, model in (("LSTM", LSTM(9, 8, hidden_size=options.hidden_size)), ("NTM", NTM(9, 8))):
            memory = {"model": model, "capacity": 64}
            policy_class = cast("type[RecurrentActorCriticPolicy]", MemoryPolicy)
            measures[f"MemoryPPO, {name}, length 1 to {most}"] = learning(
                MemoryPPO(policy_class, env(), policy_kwargs=memory, **WORK)
            )
    found: dict[str, list[float]] = {name: [] for name in measures}
    for _ in range(options.rounds):
        for name, measure in measures.items():
            found[name].append(measure())
    for name, rates in found.items():
        print(f"{name:52} {statistics.median(rates):10,.0f} steps/s ({max(rates):,.0f})")


if __name__ == "__main__":
    main(tyro.cli(Options))
