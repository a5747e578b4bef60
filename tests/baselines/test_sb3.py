"""Learning from rewards alone: what Stable-Baselines3 is given, what it trains, and that it learns."""

import json
import random
from dataclasses import replace

import gymnasium as gym
import numpy as np
import pytest
import torch
from stable_baselines3 import PPO
from stable_baselines3.common.evaluation import evaluate_policy
from stable_baselines3.common.vec_env import DummyVecEnv, VecFrameStack, VecMonitor, VecNormalize

from ntm_agents import NTM, ModelAgent, Run, Trainer, load_run
from ntm_agents.protocol import mapped
from ntm_agents.training.config import RewardConfig, TrainConfig
from ntm_agents.training.trainer import NonFiniteError
from ntm_baselines import LSTM
from ntm_baselines.sb3 import SequenceVecEnv
from ntm_baselines.sb3.memory import FloatRecurrentPPO, MemoryPolicy, MemoryPPO, Rows
from ntm_baselines.sb3.policies import FeedForward, Recurrent
from ntm_baselines.sb3.trainer import RewardTrainer
from ntm_baselines.sb3.vec_env import StepRewards
from ntm_envs import capacity, tasks
from ntm_envs.playing import play

COPY = "ntm_envs/Copy-v0"
SHORT = RewardConfig(
    total_timesteps=512, num_envs=4, n_steps=16, batch_size=32, n_epochs=2, validation_sequences=4
)


def run(entry="ntm_baselines:LSTM", model=None, seed=0, config=SHORT, task="copy"):
    model = {"hidden_size": 8} if model is None else model
    return Run(agent="mine", entry=entry, task=task, model=model, train=config, seed=seed)


def plain(infos):
    """Return information without arrays, of which no two can be said to be the same."""
    return [{name: np.asarray(value).tolist() for name, value in info.items()} for info in infos]


@pytest.mark.parametrize("reveal", [False, True])
@pytest.mark.parametrize("row", tasks.TABLE, ids=lambda row: row.name)
def test_the_environment_does_what_dummy_vec_env_does(row, reveal):
    answers, sequences = row.make().answers, isinstance(row.make(), tasks.SequenceTask)
    sizes, count = {**(row.small or row.training), "reveal_target": reveal and sequences}, 5
    ours = SequenceVecEnv(row.env_id, count, **sizes)
    theirs = DummyVecEnv([lambda: gym.make(row.env_id, **sizes)] * count)
    rng, ended = np.random.default_rng(0), 0
    for begin in range(2):
        for env in (ours, theirs):
            env.seed(3 + begin)
            if begin:
                env.set_options([{"key": key} for key in range(count)])
        np.testing.assert_array_equal(ours.reset(), theirs.reset())
        assert plain(ours.reset_infos) == plain(theirs.reset_infos)
        for _ in range(60):
            actions = answers.uniform(rng, count).reshape(count, *ours.action_space.shape)
            (*arrays, infos), (*expected, their_infos) = ours.step(actions), theirs.step(actions)
            for array, other in zip(arrays, expected, strict=True):
                np.testing.assert_array_equal(array, other)
                assert array.dtype == other.dtype
            assert plain(infos) == plain(their_infos)
            assert plain(ours.reset_infos) == plain(theirs.reset_infos)
            ended += arrays[2].sum()
    assert ended > count
    assert (ours.observation_space, ours.action_space) == (theirs.observation_space, theirs.action_space)


def test_wrappers_of_stable_baselines_work_on_it():
    env = VecNormalize(VecMonitor(SequenceVecEnv(COPY, 3, length=2)), norm_obs=False)
    env.seed(0)
    env.reset()
    for _ in range(5):
        *_, infos = env.step(np.ones((3, 8), np.int8))
    assert all(info["episode"]["l"] == 5 and abs(info["episode"]["r"]) <= 1 for info in infos)


def test_what_rows_do_not_have_of_their_own_is_refused():
    env = SequenceVecEnv(COPY, 2, length=2)
    assert env.get_attr("render_mode") == [None, None]
    assert env.env_is_wrapped(gym.Wrapper) == [False, False]
    env.set_options([{"length": 3}, {}])
    with pytest.raises(ValueError, match="different names"):
        env.reset()
    for call in (lambda: env.set_attr("sizes", {}), lambda: env.env_method("reset")):
        with pytest.raises(NotImplementedError, match="share one environment"):
            call()


class GRU(torch.nn.Module):
    """The README's own model."""

    def __init__(self, input_size, output_size, hidden_size=6):
        super().__init__()
        self.gru = torch.nn.GRU(input_size, hidden_size)
        self.output = torch.nn.Linear(hidden_size, output_size)

    def initial_state(self, batch_size, capacity):
        return self.output.weight.new_zeros(batch_size, self.gru.hidden_size)

    def forward(self, inputs, state):
        hidden, state = self.gru(inputs, state[None])
        return self.output(hidden), state[0]


MODELS = {
    "lstm": lambda: LSTM(9, 8, hidden_size=6, num_layers=2),
    "ntm": lambda: NTM(9, 8, hidden_size=6, memory_width=4, controller_noise=0.5),
    "gru": lambda: GRU(9, 8),
}


@pytest.mark.parametrize("make", MODELS.values(), ids=MODELS)
def test_a_batch_of_rows_has_the_probabilities_and_values_that_actions_were_chosen_with(make):
    torch.manual_seed(0)
    env = SequenceVecEnv(COPY, 7, length=(1, 4))  # 3 to 9 steps: rows are cut at starts and in the middle
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
    assert 0 < starts[0].sum() < 7, "some rows go on from the rollout before"


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


def test_ppo_of_stable_baselines3_learns_a_task_that_reacts():
    """To copy a tape takes no memory: write what is seen, and move on."""
    env = VecMonitor(SequenceVecEnv("ntm_envs/TapeCopy-v0", 32, length=3, base=2))
    algorithm = PPO("MlpPolicy", env, n_steps=64, batch_size=256, learning_rate=3e-3, gamma=0.9, seed=0)
    before, _ = evaluate_policy(algorithm, env, n_eval_episodes=64)
    algorithm.learn(40_000)
    after, _ = evaluate_policy(algorithm, env, n_eval_episodes=64)
    assert before < 1
    assert after == 3  # every symbol of every tape


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
    logits = policy.model(obs[None], states.pi)[0][0]
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


def test_no_batch_is_a_single_step():
    """Of one advantage there is no standard deviation, and all weights would be lost."""
    env = SequenceVecEnv(COPY, 1, length=(1, 4))
    policy = {"model": GRU(9, 8), "capacity": 16}
    algorithm = MemoryPPO(MemoryPolicy, env, n_steps=16, batch_size=4, policy_kwargs=policy, seed=0)
    algorithm.learn(400)
    assert all(weights.isfinite().all() for weights in algorithm.policy.parameters())


@pytest.mark.parametrize("frames", [1, 4])
def test_frames_are_stacked_as_stable_baselines_does(frames):
    torch.manual_seed(0)
    model = FeedForward(9, 8, hidden_size=16, frames=frames)
    env = SequenceVecEnv(COPY, 5, length=3)
    env.seed(0)
    stacked = VecFrameStack(env, frames)
    algorithm = PPO("MlpPolicy", stacked, policy_kwargs=model.arguments)
    model.policy.load_state_dict(algorithm.policy.state_dict())
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
    algorithm = FloatRecurrentPPO("MlpLstmPolicy", env, policy_kwargs=model.arguments)
    model.policy.load_state_dict(algorithm.policy.state_dict())
    observations = np.random.default_rng(0).random((6, 3, 9)).astype(np.float32)
    state, chosen = None, []
    for observation in observations:
        actions, state = algorithm.predict(observation, state, deterministic=True)
        chosen.append(actions)
    with torch.no_grad():
        logits, after = model(torch.from_numpy(observations), model.initial_state(3, 8))
    np.testing.assert_array_equal(np.array(chosen), (logits > 0).numpy())
    np.testing.assert_allclose(after[1], state[1][0], rtol=1e-5)


ENTRIES = {
    "ppo": ("ntm_baselines:FeedForward", {"hidden_size": 4}, {}),
    "stacked": ("ntm_baselines:FeedForward", {"hidden_size": 4, "frames": 3}, {}),
    "a2c": ("ntm_baselines:FeedForward", {"hidden_size": 4}, {"algorithm": "a2c"}),
    "recurrent": ("ntm_baselines:Recurrent", {"hidden_size": 4}, {}),
    "ntm": ("ntm_agents:NTM", {"hidden_size": 4, "memory_width": 4}, {}),
}


@pytest.mark.parametrize(("entry", "model", "options"), ENTRIES.values(), ids=ENTRIES)
def test_a_run_is_repeated_to_the_byte_and_leaves_what_every_run_leaves(entry, model, options, tmp_path):
    config = RewardConfig(
        total_timesteps=256, num_envs=4, n_steps=16, batch_size=32, validation_sequences=4, **options
    )
    weights = []
    for folder in (tmp_path / "a", tmp_path / "b"):
        trainer = RewardTrainer(run(entry, model, config=config), folder)
        kept = trainer.train()
        weights.append((folder / "model.safetensors").read_bytes())
    assert weights[0] == weights[1]
    loaded, again = load_run(folder)
    assert again.train == config
    assert json.loads((folder / "config.json").read_text())["learner"] == config.algorithm
    for name, tensor in loaded.state_dict().items():
        torch.testing.assert_close(tensor, kept.state_dict()[name])
    summary = json.loads((folder / "summary.json").read_text())
    assert summary["steps"] == 256
    assert 0 < summary["sequences"] < 256
    assert trainer.complete
    with pytest.raises(ValueError, match="is complete"):
        trainer.train()
    with pytest.raises(ValueError, match=r"another run \(seed is 0 there and 1 here\)"):
        RewardTrainer(run(entry, model, seed=1, config=config), folder)


@pytest.mark.parametrize("task", ["stack_manipulation", "tape_reverse"])
@pytest.mark.parametrize(("entry", "model", "options"), ENTRIES.values(), ids=ENTRIES)
def test_every_algorithm_takes_symbols_and_tasks_that_react(entry, model, options, task, tmp_path):
    sizes = {
        "total_timesteps": 128,
        "num_envs": 4,
        "n_steps": 16,
        "batch_size": 32,
        "validation_sequences": 4,
    }
    RewardTrainer(run(entry, model, task=task, config=RewardConfig(**sizes, **options)), tmp_path).train()
    loaded, again = load_run(tmp_path)
    agent = ModelAgent(loaded, again.task_spec().make().answers)
    played = play(agent, again.task_spec().make(), {"length": 5}, np.arange(3), capacity=16)
    assert (played.wrong <= played.symbols).all()
    assert np.isfinite(played.returns).all()


def test_a_run_depends_on_nobodys_random_numbers_and_leaves_them_alone():
    def draw():
        return random.random(), np.random.rand(), torch.rand(1).item()  # noqa: NPY002

    weights, drawn = [], []
    for others in (0, 3):
        random.seed(5)
        np.random.seed(5)  # noqa: NPY002
        torch.manual_seed(5)
        trainer = RewardTrainer(run())
        drawn.append([draw() for _ in range(3)])
        RewardTrainer(run(seed=others))
        weights.append(trainer.train().state_dict())
        drawn[-1].append(draw())
    assert drawn[0] == drawn[1]
    for name, tensor in weights[0].items():
        torch.testing.assert_close(tensor, weights[1][name], rtol=0, atol=0)
    critics = [RewardTrainer(run(seed=seed)).algorithm.policy.critic for seed in (0, 1)]
    assert not torch.equal(critics[0][0].weight, critics[1][0].weight)


@pytest.mark.parametrize(
    "changes", [{}, {"decay_start": 1.0}, {"total_timesteps": 100}, {"total_timesteps": 64}]
)
def test_learning_rate_and_entropy_are_those_before_an_update_and_never_negative(changes):
    config, rates, entropies = replace(SHORT, **changes), [], []

    def look(_):
        rates.append(trainer.algorithm.policy.optimizer.param_groups[0]["lr"])
        entropies.append(trainer.algorithm.ent_coef)

    trainer = RewardTrainer(run(config=config), report=look)
    trainer.train()
    assert all(0 < rate <= config.learning_rate for rate in rates)
    updates = -(-config.total_timesteps // 64)
    assert rates[-1] == pytest.approx(config.rate((updates - 1) * 64 / config.total_timesteps))
    assert entropies[-1] == pytest.approx(config.ent_coef * rates[-1] / config.learning_rate)


def test_the_weights_of_the_best_return_are_kept():
    config = replace(
        SHORT, total_timesteps=2048, validate_every=128, learning_rate=0.1, validation_sequences=16
    )
    lines = []
    trainer = RewardTrainer(run(config=config), report=lines.append)
    trainer.train()
    returns = [line["validation_return"] for line in lines if "validation_return" in line]
    assert len(returns) > 8
    assert returns[-1] < max(returns)  # or else this shows nothing
    trainer.validate()  # of the weights that are kept
    assert lines[-1]["validation_return"] == trainer.counters.best_return == max(returns)


class Named(GRU):
    """A model whose parts have names that mean something elsewhere."""

    def __init__(self, *sizes):
        super().__init__(*sizes)
        self.policy = torch.nn.Linear(1, 1)


def test_what_a_model_calls_its_parts_is_its_own_affair():
    RewardTrainer(run(f"{__name__}:Named", {})).train()


def test_steps_have_rewards_of_their_own():
    """Whatever the episode's length, a wrong answer costs 1, and who answers all earns 1 a step."""
    plain, each = (make(SequenceVecEnv(COPY, 5, length=(1, 4))) for make in (VecMonitor, StepRewards))
    for env in (plain, each):
        env.seed(3)
        env.reset()
    steps, rng = each.get_attr("answer_steps")[0], np.random.default_rng(0)
    seen = set()
    for _ in range(40):
        actions = rng.integers(2, size=(5, 8)).astype(np.int8)
        _, rewards, over, _ = plain.step(actions)
        _, own, also_over, _ = each.step(actions)
        np.testing.assert_allclose(own, rewards * steps, atol=1e-6)
        np.testing.assert_array_equal(over, also_over)
        steps = each.get_attr("answer_steps")[0]
        seen |= set(own.round(6).tolist())
    assert seen <= {(8 - 2 * wrong) / 8 for wrong in range(9)}
    assert len(seen) > 4


@pytest.mark.parametrize(("entry", "model"), [ENTRIES["stacked"][:2], ENTRIES["ntm"][:2]], ids=["ppo", "ntm"])
def test_sizes_grow_with_the_curriculum(entry, model):
    config = replace(SHORT, total_timesteps=1024, curriculum={"length": 2}, curriculum_end=0.5)
    weights = []
    for _ in range(2):
        lines, longest = [], {}

        trainer = RewardTrainer(run(entry, model, config=config))

        def look(line, lines=lines, longest=longest, trainer=trainer):
            lines.append(line)
            present = [info["length"] for info in trainer.algorithm.env.unwrapped.reset_infos]
            longest[line["steps"]] = max(present)

        trainer._report = look
        assert max(trainer.algorithm.env.get_attr("sizes")[0]["length"]) == 2
        trainer.train()
        weights.append(trainer.model.state_dict())
        assert max(value for steps, value in longest.items() if steps <= 128) <= 2 + 18 * 128 / 512
        assert max(longest.values()) > 11
        assert trainer.algorithm.env.get_attr("sizes")[0] == {"length": (1, 20)}
        returns = [line["return"] for line in lines if "return" in line]
        assert returns
        assert all(-1 <= value <= 1 for value in returns)  # of episodes, whatever each step gives
    for name, tensor in weights[0].items():
        torch.testing.assert_close(tensor, weights[1][name], rtol=0, atol=0)


def test_seeds_share_no_episodes():
    keys = [
        {info["episode_key"] for info in made.algorithm.env.unwrapped.reset_infos}
        for seed in (0, 1)
        if (made := RewardTrainer(run(seed=seed))).algorithm.env.reset() is not None
    ]
    assert not keys[0] & keys[1]


def test_a_run_that_was_killed_starts_again(tmp_path):
    whole = RewardTrainer(run(), tmp_path / "whole")
    whole.train()
    RewardTrainer(run(), tmp_path / "killed")
    (tmp_path / "killed" / "metrics.jsonl").write_text("of the first attempt\n")
    RewardTrainer(run(), tmp_path / "killed").train()
    for name in ("model.safetensors", "metrics.jsonl"):
        files = [(tmp_path / folder / name).read_text("latin1") for folder in ("whole", "killed")]
        if name == "metrics.jsonl":
            files = [[json.loads(line)["steps"] for line in file.splitlines()] for file in files]
        assert files[0] == files[1]


def test_what_does_not_go_together_is_refused(tmp_path):
    with pytest.raises(ValueError, match="a2c', which has no memory"):
        RewardTrainer(run(config=RewardConfig(algorithm="a2c")))
    with pytest.raises(ValueError, match="expected a TrainConfig"):
        Trainer(run())
    for bad, message in (
        ({"length": 2}, "task_overrides has 'length'"),
        ({"bits": 4}, "changes the channels"),
    ):
        with pytest.raises(ValueError, match=message):
            RewardTrainer(run(config=RewardConfig(task_overrides=bad)))
    with pytest.raises(ValueError, match="curriculum has length=30"):
        RewardTrainer(run(config=RewardConfig(curriculum={"length": 30})))
    with pytest.raises(ValueError, match="sizes has length"):
        RewardTrainer(run(config=RewardConfig(sizes={"length": (1, 21)})))
    for name, value in (("hidden_size", 0), ("frames", 0)):
        with pytest.raises(ValueError, match=f"{name} is 0"):
            FeedForward(9, 8, **{name: value})
    with pytest.raises(ValueError, match="hidden_size is 0"):
        Recurrent(9, 8, hidden_size=0)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("total_timesteps", 0),
        ("algorithm", "dqn"),
        ("gamma", 1.5),
        ("curriculum_end", 2),
        ("learning_rate", 0),
        ("ent_coef", -1),
        ("privileges", ("luck",)),
    ],
)
def test_impossible_values_are_named(name, value):
    with pytest.raises(ValueError, match=f"{name} is "):
        RewardConfig(**{name: value})


def test_weights_that_are_not_finite_end_a_run():
    trainer = RewardTrainer(run())
    with torch.no_grad():
        next(trainer.model.parameters()).fill_(torch.nan)
    with pytest.raises(NonFiniteError, match="not finite"):
        trainer.train()


def test_a_run_that_is_not_for_this_trainer_is_refused():
    for bad, message in (
        (run(config=TrainConfig()), "expected a RewardConfig"),
        (run(seed=-1), "seed is -1"),
        (run(seed=2**63), "seed is 9223372036854775808"),
    ):
        with pytest.raises(ValueError, match=message):
            RewardTrainer(bad)
    with pytest.raises(ValueError, match="device is 'cudaa'"):
        RewardTrainer(run(), device="cudaa")


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
