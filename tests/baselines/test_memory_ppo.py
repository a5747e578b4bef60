"""Recurrent PPO with any model as the memory of its policy."""

import gymnasium as gym
import numpy as np
import pytest
import torch
from rewards import COPY, GRU
from stable_baselines3.common.evaluation import evaluate_policy
from stable_baselines3.common.vec_env import DummyVecEnv, VecMonitor
from tape import Tape

from ntm_agents import DNC, NTM
from ntm_agents.protocol import mapped
from ntm_baselines import LSTM, DeltaNet, Transformer
from ntm_baselines.sb3 import SequenceVecEnv
from ntm_baselines.sb3.memory import MemoryPolicy, MemoryPPO
from ntm_baselines.sb3.rows import Rows
from ntm_envs import capacity, tasks

MODELS = {
    "lstm": lambda: LSTM(9, 8, hidden_size=6, num_layers=2),
    "ntm": lambda: NTM(9, 8, hidden_size=6, memory_width=4, controller_noise=0.5),
    "dnc": lambda: DNC(9, 8, hidden_size=6, memory_width=4, read_heads=1, links=2),
    "gru": lambda: GRU(9, 8),
    "transformer": lambda: Transformer(9, 8, hidden_size=8, num_layers=2, heads=2, position="randomised"),
    "deltanet": lambda: DeltaNet(9, 8, hidden_size=8, heads=2, gate=True),
    "tape": lambda: Tape(9, 8),
}


@pytest.mark.parametrize("make", MODELS.values(), ids=MODELS)
def test_a_batch_of_rows_has_the_probabilities_and_values_that_actions_were_chosen_with(make):
    torch.manual_seed(0)
    env = SequenceVecEnv(COPY, 7, length=(1, 7))  # 3 to 15 steps: rows are cut at starts and in the middle
    policy = {"model": make(), "capacity": 16}
    algorithm = MemoryPPO(
        MemoryPolicy, env, n_steps=11, batch_size=20, policy_kwargs=policy, seed=1, learning_rate=0.0
    )
    algorithm.learn(11 * 7 * 3)
    assert algorithm.policy.training
    algorithm.policy.set_training_mode(True)  # as when it learns; noise stays away
    seen = 0
    for batch in algorithm.rollout_buffer.get(20):
        with torch.no_grad():
            values, log_prob, entropy = algorithm.policy.evaluate_actions(
                batch.observations, batch.actions, batch.lstm_states, batch.episode_starts
            )
        torch.testing.assert_close(log_prob, batch.old_log_prob, rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(values.flatten(), batch.old_values, rtol=1e-4, atol=1e-5)
        assert (entropy > 0).all()
        assert batch.mask.all()
        seen += len(log_prob)
    assert seen == 11 * 7
    starts = algorithm.rollout_buffer.episode_starts
    assert 0 < starts[0].sum() < 7, "some rows continue from the rollout before"


@pytest.mark.parametrize("name", ["parity", "stack_manipulation", "tape_copy"])
def test_answers_of_symbols_are_chosen_with_the_probabilities_that_a_batch_has(name):
    row = tasks.spec(name)
    task = row.make()
    env = SequenceVecEnv(row.env_id, 7, **row.small)
    policy = {"model": GRU(task.input_size, task.output_size), "capacity": 16}
    algorithm = MemoryPPO(
        MemoryPolicy, env, n_steps=11, batch_size=20, policy_kwargs=policy, seed=1, learning_rate=0.0
    )
    algorithm.learn(11 * 7 * 3)
    for batch in algorithm.rollout_buffer.get(20):
        with torch.no_grad():
            _, log_prob, entropy = algorithm.policy.evaluate_actions(
                batch.observations, batch.actions, batch.lstm_states, batch.episode_starts
            )
        torch.testing.assert_close(log_prob, batch.old_log_prob, rtol=1e-4, atol=1e-5)
        most = sum(np.log(size) for size in task.answers.sizes)
        assert ((entropy > 0) & (entropy <= most + 1e-5)).all()
    actions, _ = algorithm.predict(env.reset(), deterministic=True)
    assert actions.shape == (7, *env.action_space.shape)
    env.step(actions)


@pytest.mark.parametrize("make", MODELS.values(), ids=MODELS)
def test_the_end_of_a_truncated_episode_has_the_value_of_what_would_have_come(make):
    env = DummyVecEnv([lambda: gym.make(COPY, length=4, max_episode_steps=3)] * 2)  # nothing is earned so far
    options = {"n_steps": 3, "batch_size": 6, "gamma": 0.5, "seed": 1, "learning_rate": 0.0}
    algorithm = MemoryPPO(MemoryPolicy, env, policy_kwargs={"model": make(), "capacity": 16}, **options)
    last = []

    def look(local, _):
        last[:] = [info.get("terminal_observation") for info in local["infos"]]
        return True

    algorithm.learn(6, callback=look)
    policy, buffer = algorithm.policy, algorithm.rollout_buffer
    seen = torch.from_numpy(np.concatenate([buffer.observations, np.array(last)[None]]))
    with torch.no_grad():
        logits, _ = policy.model(seen, policy.model.initial_state(2, 16))
        values = policy.critic(torch.cat([seen[-1], logits[-1]], 1)).flatten()
    np.testing.assert_allclose(buffer.rewards[-1], 0.5 * values, rtol=1e-5)
    assert not buffer.rewards[:-1].any()


def test_parts_of_the_model_are_in_the_mode_that_they_have_gradients_in():
    class Mixed(GRU):
        def __init__(self):
            super().__init__(9, 8)
            self.noisy = torch.nn.GRU(4, 4, 2, dropout=0.5)
            self.dropout = torch.nn.Dropout()

    env = SequenceVecEnv(COPY, 2, length=2)
    policy = MemoryPPO(MemoryPolicy, env, policy_kwargs={"model": Mixed(), "capacity": 8}).policy
    for learning in (True, False):
        policy.set_training_mode(learning)
        model = policy.model
        assert model.gru.training == learning, "cuDNN refuses gradients otherwise"
        assert not any(part.training for part in (model, model.noisy, model.dropout))


def test_values_may_be_clipped_too():
    env = SequenceVecEnv(COPY, 2, length=2)
    policy = {"model": GRU(9, 8), "capacity": 8}
    algorithm = MemoryPPO(MemoryPolicy, env, n_steps=8, batch_size=8, clip_range_vf=0.2, policy_kwargs=policy)
    assert algorithm.learn(16).num_timesteps == 16


def test_entropy_and_probability_are_those_of_independent_coins():
    policy = MemoryPPO(
        MemoryPolicy,
        SequenceVecEnv(COPY, 2, length=2),
        policy_kwargs={"model": LSTM(9, 8, hidden_size=4), "capacity": 8},
    ).policy
    states, obs = policy.initial_states(2), torch.randn(2, 9)
    actions, _, log_prob, _ = policy(obs, states, torch.ones(2))
    rows = Rows(states.pi, torch.ones(2, dtype=torch.int64))
    _, again, entropy = policy.evaluate_actions(obs, actions, rows, torch.ones(2))
    logits = policy.model(obs[None], states.pi.memory)[0][0]
    coins = torch.distributions.Bernoulli(logits=logits)
    torch.testing.assert_close(log_prob, coins.log_prob(actions.float()).sum(-1))
    torch.testing.assert_close(again, log_prob)
    torch.testing.assert_close(entropy, coins.entropy().sum(-1))


def test_a_policy_with_a_memory_is_played_as_stable_baselines_plays():
    env = SequenceVecEnv(COPY, 3, length=2)
    env.seed(0)
    algorithm = MemoryPPO(MemoryPolicy, env, policy_kwargs={"model": GRU(9, 8), "capacity": 8})
    mean, _ = evaluate_policy(algorithm, VecMonitor(env), n_eval_episodes=6)
    assert -1 <= mean <= 1
    observations = np.random.default_rng(0).random((5, 3, 9)).astype(np.float32)
    state, chosen = None, []
    for observation in observations:
        actions, state = algorithm.predict(observation, state, deterministic=True)
        chosen.append(actions)
    model = algorithm.policy.model
    with torch.no_grad():
        logits, _ = model(torch.from_numpy(observations), model.initial_state(3, 8))
    np.testing.assert_array_equal(np.array(chosen), (logits > 0).numpy())
    assert chosen[0].dtype == env.action_space.dtype
    single, _ = algorithm.predict(observations[0, 0], deterministic=True)
    np.testing.assert_array_equal(single, chosen[0][0])
    with pytest.raises(NotImplementedError, match="use predict"):
        algorithm.policy._predict(torch.zeros(1, 9))


@pytest.mark.parametrize("kind", ["doubles", "numbers"])
def test_observations_of_other_types_become_inputs(kind):
    """An environment has 64 bits, as many simulators, or numbers that name its states."""

    def make():
        if kind == "numbers":
            return gym.make("FrozenLake-v1", max_episode_steps=5)
        env = gym.make("CartPole-v1", max_episode_steps=5)
        space = gym.spaces.Box(-np.inf, np.inf, (2, 2), np.float64)
        return gym.wrappers.TransformObservation(
            env, lambda seen: seen.astype(np.float64).reshape(2, 2), space
        )

    env = DummyVecEnv([make] * 2)
    model = GRU(16, 4) if kind == "numbers" else GRU(4, 2)
    policy = {"model": model, "capacity": 8}
    algorithm = MemoryPPO(MemoryPolicy, env, n_steps=8, batch_size=8, policy_kwargs=policy, seed=0)
    assert algorithm.learn(32).num_timesteps == 32
    actions, _ = algorithm.predict(env.reset())
    assert actions.shape == (2,)


def test_a_policy_is_of_bits_or_symbols_and_of_its_own_kind():
    class Wide(MemoryPolicy):
        def __init__(self, *args, **kwargs):
            super().__init__(*args, **kwargs, hidden_size=5)

    arguments = {"policy_kwargs": {"model": GRU(9, 8), "capacity": 8}, "n_steps": 4}
    env = SequenceVecEnv(COPY, 3, length=2)
    assert MemoryPPO(Wide, env, **arguments).policy.critic[0].out_features == 5
    with pytest.raises(ValueError, match="expected MemoryPolicy, or a class of that kind"):
        MemoryPPO("MlpLstmPolicy", env, **arguments)
    box = gym.spaces.Box(0, 1, (8,))
    with pytest.raises(ValueError, match=r"the action space is Box.*; expected MultiBinary"):
        MemoryPolicy(env.observation_space, box, lambda _: 1, model=GRU(9, 8), capacity=8)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"model": GRU}, TypeError, "model is <class .*; expected a torch.nn.Module"),
        ({"model": torch.nn.Linear(9, 8)}, TypeError, r"initial_state\(batch_size, capacity\)"),
        ({"model": GRU(5, 8)}, ValueError, r"the model fails .*expected one that takes the 9 numbers of Box"),
        ({"hidden_size": 0}, ValueError, "hidden_size is 0; expected an integer of at least 1"),
        ({"hidden_size": 1.5}, ValueError, r"hidden_size is 1\.5; expected an integer of at least 1"),
        ({"model": GRU(9, 8).requires_grad_(False)}, ValueError, r"no parameter .*model\.requires_grad_"),
        ({"capacity": 0}, ValueError, "capacity is 0; expected an integer of at least 1"),
        ({"capacity": "8"}, ValueError, "capacity is '8'; expected an integer of at least 1"),
        (
            {"model": GRU(9, 16)},
            ValueError,
            r"the model has 16 outputs; expected 8, the logits of MultiBinary",
        ),
    ],
)
def test_a_model_that_does_not_fit_is_refused(arguments, error, message):
    policy_kwargs = {"model": GRU(9, 8), "capacity": 8, **arguments}
    with pytest.raises(error, match=message):
        MemoryPPO(
            MemoryPolicy, SequenceVecEnv(COPY, 3, length=2), n_steps=4, policy_kwargs=policy_kwargs
        ).learn(4)


def test_no_batch_is_a_single_step():
    """Of one advantage there is no standard deviation, and all weights would be lost."""
    env = SequenceVecEnv(COPY, 1, length=(1, 4))
    policy = {"model": GRU(9, 8), "capacity": 16}
    algorithm = MemoryPPO(MemoryPolicy, env, n_steps=16, batch_size=4, policy_kwargs=policy, seed=0)
    algorithm.learn(400)
    assert all(weights.isfinite().all() for weights in algorithm.policy.parameters())


@pytest.mark.parametrize("make", ["lstm", "ntm"])
def test_it_learns_from_rewards_alone(make):
    """A vector of four bits is copied; flips of coins return 0."""
    torch.manual_seed(0)
    kind = {"lstm": LSTM, "ntm": NTM}[make]
    model = kind(5, 4, hidden_size=32)
    env = SequenceVecEnv(COPY, 32, length=1, bits=4)
    algorithm = MemoryPPO(
        MemoryPolicy,
        env,
        n_steps=48,
        batch_size=384,
        n_epochs=4,
        gamma=0.0,
        learning_rate=5e-3,
        seed=0,
        policy_kwargs={"model": model, "capacity": 4},
    )
    algorithm.learn(30_000)
    batch = tasks.get("copy", bits=4).episodes(range(64), length=1)
    with torch.no_grad():
        logits, _ = model(torch.from_numpy(batch.inputs), model.initial_state(64, capacity(3)))
    right = ((logits > 0).numpy() == batch.targets)[batch.mask]
    assert right.mean() > 0.9


def test_states_of_any_shape_are_mapped():
    state = (torch.ones(2), (torch.zeros(2), torch.ones(2)))
    assert mapped(lambda a, b: a + b, state, state)[1][1].tolist() == [2, 2]
