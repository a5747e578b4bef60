"""A training loop as others write them, over `gym.make_vec`: it runs on every task of bits, and it learns."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from ntm_envs import tasks

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "single_file_ppo.py"


def returns(**options: object) -> list[float]:
    """Run the script as a user would, and return the mean returns that it prints."""
    words = [word for name, value in options.items() for word in (f"--{name.replace('_', '-')}", str(value))]
    done = subprocess.run([sys.executable, str(SCRIPT), *words], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return [float(found) for found in re.findall(r"return +(\S+)", done.stdout)]


@pytest.mark.parametrize("env_id", [row.env_id for row in tasks.suite("classic")])
def test_it_runs_on_every_task_of_bits(env_id: str) -> None:
    found = returns(env_id=env_id, total_timesteps=2 * 128 * 4, n_steps=128, num_envs=4, hidden_size=8)
    assert found
    assert all(-1 <= mean <= 1 for mean in found)


def test_it_learns_to_remember_a_vector() -> None:
    assert returns(length=1, total_timesteps=40_000)[-1] > 0.4
