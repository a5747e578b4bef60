"""A loop as others write them, over `gym.make_vec`: it runs on every task, and it learns."""

import importlib.util
import sys
from pathlib import Path

import pytest

from ntm_envs import tasks

FILE = Path(__file__).parents[2] / "benchmarks" / "single_file_ppo.py"


@pytest.fixture(scope="module")
def ppo():
    spec = importlib.util.spec_from_file_location("single_file_ppo", FILE)
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    yield module
    del sys.modules[spec.name]


@pytest.mark.parametrize("env_id", [row.env_id for row in tasks.suite("classic")])
def test_it_runs_on_every_task_of_bits(ppo, env_id):
    returns = ppo.train(ppo.Options(env_id=env_id, steps=2 * 128 * 4, rollout=128, num_envs=4, units=8))
    assert all(-1 <= mean <= 1 for mean in returns)


def test_it_learns_to_remember_a_vector(ppo):
    assert ppo.train(ppo.Options(length=1, steps=40_000))[-1] > 0.4
