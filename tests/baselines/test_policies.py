"""The actors of Stable-Baselines3's own policies, as models without a critic."""

import json
import subprocess
import sys

import numpy as np
import pytest
import torch
from every_machine import assert_rows_are_independent
from rewards import COPY, ENTRIES, reward_run, start
from stable_baselines3 import PPO
from stable_baselines3.common.vec_env import VecFrameStack

from ntm_agents import load_run
from ntm_agents.training.checkpoint import load_tensors, save_tensors
from ntm_baselines import LSTM
from ntm_baselines.policies import FeedForward, Recurrent
from ntm_baselines.sb3 import RecurrentPPO, SequenceVecEnv
from ntm_leaderboard.harness.entrants import from_run


@pytest.mark.parametrize("frames", [1, 4])
def test_frames_are_stacked_as_stable_baselines_does(frames):
    torch.manual_seed(0)
    model = FeedForward(9, 8, hidden_size=16, frames=frames)
    env = SequenceVecEnv(COPY, 5, length=3)
    env.seed(0)
    stacked = VecFrameStack(env, frames)
    algorithm = PPO("MlpPolicy", stacked, policy_kwargs=model.policy_kwargs)
    model.take(algorithm.policy.state_dict())
    seen, state = stacked.reset(), model.initial_state(5, 8)
    whole = []
    for _ in range(6):
        whole.append(torch.from_numpy(seen[:, -9:]))
        with torch.no_grad():
            logits, state = model(whole[-1][None], state)
        actions, _ = algorithm.predict(seen, deterministic=True)
        np.testing.assert_array_equal(actions, (logits[0] > 0).numpy())
        seen, *_ = stacked.step(actions)
    with torch.no_grad():
        again, last = model(torch.stack(whole), model.initial_state(5, 8))
    torch.testing.assert_close(again[-1], logits[0])
    torch.testing.assert_close(last, state)


def test_the_recurrent_policy_is_sb3_contribs():
    torch.manual_seed(0)
    model = Recurrent(9, 8, hidden_size=5)
    env = SequenceVecEnv(COPY, 3, length=3)
    algorithm = RecurrentPPO("MlpLstmPolicy", env, policy_kwargs=model.policy_kwargs)
    model.take(algorithm.policy.state_dict())
    observations = np.random.default_rng(0).random((6, 3, 9)).astype(np.float32)
    state, chosen = None, []
    for observation in observations:
        actions, state = algorithm.predict(observation, state, deterministic=True)
        chosen.append(actions)
    with torch.no_grad():
        logits, after = model(torch.from_numpy(observations), model.initial_state(3, 8))
    np.testing.assert_array_equal(np.array(chosen), (logits > 0).numpy())
    np.testing.assert_allclose(after[1], state[1][0], rtol=1e-5)


@pytest.mark.parametrize("name", ["ppo", "recurrent"])
def test_weights_are_kept_without_a_critic_and_those_with_one_are_still_read(tmp_path, name):
    trainer = start(reward_run(*ENTRIES[name]), tmp_path)
    kept = trainer.train()
    tensors, record = load_tensors(tmp_path / "model.safetensors")
    assert tensors.keys() == kept.state_dict().keys()
    assert not any(critic in name for name in tensors for critic in ("value", "critic"))
    policy = {f"policy.{name}": tensor for name, tensor in trainer.algorithm.policy.state_dict().items()}
    # As the first format kept them.
    save_tensors(tmp_path / "model.safetensors", {**policy, **tensors}, record)
    description = json.loads((tmp_path / "config.json").read_text(encoding="utf-8"))
    entry = description["entry"].replace(":", ".sb3.policies:")
    description |= {"format": 1, "entry": entry, "track": "reward"}
    (tmp_path / "config.json").write_text(json.dumps(description), encoding="utf-8")
    again, _ = load_run(tmp_path)
    for name, tensor in again.state_dict().items():
        assert torch.equal(tensor, tensors[name])
    summary = json.loads((tmp_path / "summary.json").read_text(encoding="utf-8"))
    counted = summary | {"parameters": sum(tensor.numel() for tensor in policy.values())}
    (tmp_path / "summary.json").write_text(json.dumps(counted), encoding="utf-8")
    assert from_run(tmp_path).training.parameters == summary["parameters"]


def test_options_are_read_and_policies_play_without_stable_baselines3():
    code = (
        "import sys\n"
        "sys.modules['stable_baselines3'] = sys.modules['sb3_contrib'] = None\n"
        "import torch\n"
        "from ntm_agents.training import learners\n"
        "from ntm_baselines import FeedForward, Recurrent\n"
        "for kind in (FeedForward, Recurrent):\n"
        "    model = kind(9, 8)\n"
        "    model(torch.zeros(2, 3, 9), model.initial_state(3, 8))\n"
        "print(learners.find('ppo').config().n_epochs, learners.find('a2c').config().n_steps)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "4 8\n"


def test_impossible_sizes_are_named():
    for name in ("hidden_size", "frames"):
        with pytest.raises(ValueError, match=f"{name} is 0"):
            FeedForward(9, 8, **{name: 0})
    with pytest.raises(ValueError, match="hidden_size is 0"):
        Recurrent(9, 8, hidden_size=0)


@pytest.mark.parametrize(
    "model", [LSTM(9, 8, hidden_size=5, num_layers=2), FeedForward(9, 8, frames=4), Recurrent(9, 8, 5)]
)
def test_rows_of_the_initial_state_are_independent(model):
    assert_rows_are_independent(model)


def test_frames_of_another_number_of_episodes_are_refused():
    model = FeedForward(9, 8, frames=3)
    with pytest.raises(RuntimeError, match="shape"):
        model(torch.zeros(4, 2, 9), model.initial_state(4, 8))
