"""What Stable-Baselines3 saves of a model from a file can be loaded by another process."""

import subprocess
import sys

from tiny_runs import __file__ as models

from ntm_baselines.sb3 import SequenceVecEnv
from ntm_baselines.sb3.memory import MemoryPolicy, MemoryPPO
from ntm_envs.lookup import load


def test_a_saved_algorithm_is_loaded_by_another_process(tmp_path):
    model = load(f"{models}:Tiny")(9, 8)
    env = SequenceVecEnv("ntm_envs/Copy-v0", 2, length=2)
    MemoryPPO(MemoryPolicy, env, policy_kwargs={"model": model, "capacity": 8}).save(tmp_path / "ppo")
    code = "from ntm_baselines.sb3.memory import MemoryPPO; print(type(MemoryPPO.load('ppo').policy.model))"
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == str(type(model))
