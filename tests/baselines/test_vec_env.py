"""The vector environment for Stable-Baselines3."""

import gymnasium as gym
import numpy as np
import pytest
from rewards import COPY
from stable_baselines3 import PPO
from stable_baselines3.common.evaluation import evaluate_policy
from stable_baselines3.common.vec_env import DummyVecEnv, VecMonitor, VecNormalize

from ntm_baselines.sb3 import SequenceVecEnv
from ntm_baselines.sb3.vec_env import StepRewards
from ntm_envs import tasks


def plain(infos):
    """Return information without arrays, which cannot be compared by `==`."""
    return [{name: np.asarray(value).tolist() for name, value in info.items()} for info in infos]


def short(infos, over):
    """Return information without that of steps between the first and the last."""
    names = {"TimeLimit.truncated", "target", "mask"}
    return [
        info if end else {name: info[name] for name in info.keys() & names}
        for info, end in zip(infos, over, strict=True)
    ]


@pytest.mark.parametrize("limit", [None, 4])
@pytest.mark.parametrize("reveal", [False, True])
@pytest.mark.parametrize("row", tasks.TABLE, ids=lambda row: row.name)
def test_the_environment_equals_dummy_vec_env(row, reveal, limit):
    answers, sequences = row.make().answers, isinstance(row.make(), tasks.SequenceTask)
    sizes, count = {**(row.small or row.training), "reveal_target": reveal and sequences}, 5
    sizes |= {} if limit is None else {"max_episode_steps": limit}
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
            assert plain(infos) == plain(short(their_infos, arrays[2]))
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


def test_access_to_single_rows_is_refused():
    env = SequenceVecEnv(COPY, 2, length=2)
    assert env.get_attr("render_mode") == [None, None]
    assert env.env_is_wrapped(gym.Wrapper) == [False, False]
    env.set_options([{"length": 3}, {}])
    with pytest.raises(ValueError, match="different names"):
        env.reset()
    env.set_options([{"length": (3, 5)}, {"length": (3, 6)}])
    with pytest.raises(ValueError, match="different ranges of length"):
        env.reset()
    for call in (lambda: env.set_attr("sizes", {}), lambda: env.env_method("reset")):
        with pytest.raises(NotImplementedError, match="share one environment"):
            call()


def test_options_have_the_form_of_single_environments():
    ours, theirs = SequenceVecEnv(COPY, 3), DummyVecEnv([lambda: gym.make(COPY)] * 3)
    for options in ({"length": (3, 9)}, {"key": 4, "length": 2}, [{"length": n} for n in (3, 5, 8)]):
        for env in (ours, theirs):
            env.seed(0)
            env.set_options(options)
        np.testing.assert_array_equal(ours.reset(), theirs.reset())
        assert ours.reset_infos == theirs.reset_infos


def test_steps_have_rewards_of_their_own():
    """Whatever the episode's length, a wrong answer costs 1, and a perfect agent earns 1 a step."""
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


def test_ppo_of_stable_baselines3_learns_a_task_that_reacts():
    """To copy a tape takes no memory: write the observed symbol, and move on."""
    env = VecMonitor(SequenceVecEnv("ntm_envs/TapeCopy-v0", 32, length=3, base=2))
    algorithm = PPO("MlpPolicy", env, n_steps=64, batch_size=256, learning_rate=3e-3, gamma=0.9, seed=0)
    before, _ = evaluate_policy(algorithm, env, n_eval_episodes=64)
    algorithm.learn(40_000)
    after, _ = evaluate_policy(algorithm, env, n_eval_episodes=64)
    assert before < 1
    assert after == 3  # every symbol of every tape


def present(env):
    """Return the keys and the sizes of the present episodes."""
    return [
        {name: value for name, value in info.items() if name != "wrong_symbols"} for info in env.reset_infos
    ]


@pytest.mark.parametrize("row", tasks.TABLE, ids=lambda row: row.name)
def test_another_environment_continues_from_a_state(row):
    answers, count = row.make().answers, 5
    first, second = (SequenceVecEnv(row.env_id, count, **(row.small or row.training)) for _ in range(2))
    first.seed(3)
    first.reset()
    rng = np.random.default_rng(0)

    def step(*envs):
        actions = answers.uniform(rng, count).reshape(count, *first.action_space.shape)
        return [env.step(actions) for env in envs]

    for _ in range(31):
        step(first)
    second.restore(first.state())
    assert present(second) == present(first)
    ended = 0
    for _ in range(60):
        (*arrays, infos), (*expected, their_infos) = step(first, second)
        for array, other in zip(arrays, expected, strict=True):
            np.testing.assert_array_equal(array, other)
        assert plain(infos) == plain(their_infos)
        assert present(first) == present(second)
        ended += arrays[2].sum()
    assert ended >= count


def test_steps_have_rewards_of_their_own_only_in_an_environment_that_tells_their_number():
    with pytest.raises(TypeError, match=r"venv is .*DummyVecEnv.*expected a SequenceVecEnv"):
        StepRewards(DummyVecEnv([lambda: gym.make(COPY)]))
    StepRewards(VecMonitor(SequenceVecEnv(COPY, 2)))
