"""Interactive tasks: hand-worked episodes, environments around them, and what `check_task` finds."""

from dataclasses import dataclass

import numpy as np
import pytest
from gymnasium.vector import AutoresetMode
from hypothesis import given
from hypothesis import strategies as st

from ntm_envs import SequenceEnv, SequenceVectorEnv, capacity, playing, tasks
from ntm_envs.tasks.interactive.tape_copy import TapeCopy
from ntm_envs.tasks.interactive.tape_reverse import TapeReverse
from ntm_envs.tasks.state_machine import assign
from ntm_envs.testing import TaskError, check_task

NAMES = ["tape_copy", "tape_reverse"]
L, R = 0, 1  # moves


def transcript(task, tape, actions):
    """Play one episode on this tape; return what was seen, rewards, ends and wrong symbols.

    A symbol that is seen is its number, and None outside of the tape.
    """
    length = np.array([len(tape)])
    state = task.begin(np.array([0]), {"length": length})
    state["tape"] = np.array([tape], np.uint8)
    state["output"] = task.output(state["tape"], length)
    seen, rewards, ends = [], [], []
    for action in actions:
        observation = task.observe(state)[0]
        assert observation.sum() == 1
        seen.append(None if observation[-1] else int(observation.argmax()))
        reward, over = task.act(state, np.array([action], np.uint8))
        rewards.append(float(reward[0]))
        ends.append(bool(over[0]))
    return seen, rewards, ends, int(task.count_wrong(state)[0])


def test_a_perfect_copy_by_hand():
    actions = [(R, 1, 3), (R, 1, 0), (R, 1, 4)]
    seen, rewards, ends, wrong = transcript(TapeCopy(), [3, 0, 4], actions)
    assert seen == [3, 0, 4]
    assert rewards == [1, 1, 1]
    assert ends == [False, False, True]
    assert wrong == 0


def test_a_perfect_reversal_by_hand():
    actions = [(R, 0, 0), (R, 0, 0), (R, 0, 1), (L, 0, 0), (L, 1, 1), (L, 1, 1), (L, 1, 0)]
    seen, rewards, ends, wrong = transcript(TapeReverse(), [0, 1, 1], actions)
    assert seen == [0, 1, 1, None, 1, 1, 0]
    assert rewards == [0, 0, 0, 0, 1, 1, 1]
    assert ends == [False] * 6 + [True]
    assert wrong == 0


@pytest.mark.parametrize(("task", "first"), [(TapeCopy(), 2), (TapeReverse(base=5), 4)])
def test_a_wrong_symbol_ends_the_episode_with_minus_a_half(task, first):
    actions = [(R, 0, 0), (R, 1, first), (R, 1, 3)]
    _, rewards, ends, wrong = transcript(task, [2, 0, 4], actions)
    assert rewards == [0, 1, -0.5]
    assert ends == [False, False, True]
    assert wrong == 2  # what is not written is not right
    _, rewards, ends, wrong = transcript(task, [2, 0, 4], [(R, 1, 1)])
    assert (rewards, ends, wrong) == ([-0.5], [True], 3)


@pytest.mark.parametrize("task", [TapeCopy(), TapeReverse()])
@pytest.mark.parametrize("length", [1, 2, 5])
def test_time_is_up_with_minus_one_after_two_steps_a_symbol_and_four(task, length):
    steps = 2 * length + 4
    assert task.steps(length=length) == steps
    for symbol in (0, 1):  # which is not written, so it does not matter
        _, rewards, ends, wrong = transcript(task, [1] * length, [(R, 0, symbol)] * steps)
        assert rewards == [0] * (steps - 1) + [-1]
        assert ends == [False] * (steps - 1) + [True]
        assert wrong == length


def test_the_last_step_may_still_be_right():
    wait, write = (R, 0, 0), (R, 1, 1)
    _, rewards, ends, _ = transcript(TapeCopy(), [1], [wait] * 5 + [write])
    assert (rewards, ends[-1]) == ([0] * 5 + [1], True)
    _, rewards, ends, wrong = transcript(TapeCopy(), [1, 1], [wait] * 7 + [write])
    assert (rewards, ends[-1]) == ([0] * 7 + [0], True)  # a right symbol, and time is up
    assert wrong == 1
    _, rewards, ends, _ = transcript(TapeCopy(), [1, 1], [wait] * 7 + [(R, 1, 0)])
    assert (rewards, ends[-1]) == ([0] * 7 + [-0.5], True)  # a wrong symbol is not punished twice


def test_heads_walk_off_both_ends_and_come_back():
    left = [(L, 0, 0)] * 2 + [(R, 0, 0)] * 4 + [(L, 0, 0)] * 2
    seen, rewards, ends, _ = transcript(TapeCopy(), [1, 2], left)
    assert seen == [1, None, None, None, 1, 2, None, 2]
    assert rewards == [0] * 7 + [-1]
    assert ends == [False] * 7 + [True]


def test_writing_does_not_depend_on_where_the_head_is():
    actions = [(L, 1, 3), (L, 0, 0), (L, 1, 4)]
    seen, rewards, ends, _ = transcript(TapeCopy(), [3, 4], actions)
    assert seen == [3, None, None]
    assert (rewards, ends) == ([1, 0, 1], [False, False, True])


@pytest.mark.parametrize("name", NAMES)
def test_the_oracle_solves_every_length(name):
    task, episodes = tasks.get(name), 0
    for length in range(1, 31):
        keys = np.arange(17) + 1000 * length
        bound = capacity(task.steps(length=length))
        played = playing.play(task.oracle(), task, {"length": length}, keys, capacity=bound)
        assert not played.wrong.any()
        assert (played.symbols == length).all()
        assert (played.returns == length).all()
        assert played.costs is None
        episodes += len(keys)
    assert episodes >= 500


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("base", [2, 5, 62])
def test_symbols_are_uniform_and_the_output_is_the_tape_in_its_order(name, base):
    task, lengths = tasks.get(name, base=base), np.arange(20_000) % 3 + 4
    state = task.begin(np.arange(20_000), {"length": lengths})
    counts = np.stack([np.bincount(column, minlength=base) for column in state["tape"].T[:4]])
    assert (abs(counts - 20_000 / base) < 4 * np.sqrt(20_000 / base)).all()
    for tape, output, length in zip(state["tape"][:30], state["output"], lengths, strict=False):
        expected = tape[:length][:: -1 if name == "tape_reverse" else 1]
        np.testing.assert_array_equal(output[:length], expected)


def guided(task, rows, random, wrong=0.1):
    """Return a function from observations to actions, which are mostly those of the oracle."""
    oracle = task.oracle()
    oracle.begin(rows, 64, 0)

    def act(observations):
        best, other = oracle.act(observations), task.answers.uniform(random, rows)
        return np.where(random.random((rows, 1)) < wrong, other, best)

    return act


def play_alone(name, key, length, actions):
    """Return what comes of actions in an environment of its own."""
    env = SequenceEnv(name, length=(1, 9))
    observation, info = env.reset(seed=5, options={"key": key, "length": length})
    assert info == {"episode_key": key, "length": length}
    steps = [(observation, 0.0, False)]
    for action in actions:
        observation, reward, over, truncated, info = env.step(action)
        assert not truncated
        steps.append((observation, reward, over))
        if over:
            steps.append(info)
            break
    return steps


@given(st.data())
def test_an_episode_depends_on_its_key_alone(data):
    """Not on what was played before in its row, nor on what other rows do meanwhile."""
    name = data.draw(st.sampled_from(NAMES))
    key, length = data.draw(st.integers(0, 2**63 - 1)), data.draw(st.integers(1, 14))
    seed, before = data.draw(st.integers(0, 99)), data.draw(st.integers(0, 25))
    task, random = tasks.get(name), np.random.default_rng(seed)
    env = SequenceVectorEnv(name, 4, length=(1, 9), autoreset_mode="SameStep")
    observations, _ = env.reset(seed=seed)
    act = guided(task, 4, random)
    for _ in range(before):
        observations = env.step(act(observations))[0]
    row = data.draw(st.integers(0, 3))
    mask = np.arange(4) == row
    observations, info = env.reset(options={"key": key, "length": length, "reset_mask": mask})
    assert info["episode_key"][row] == key
    assert info["length"][row] == length
    own = guided(task, 1, np.random.default_rng(seed), wrong=0.05)
    steps, actions, over = [(observations[row], 0.0, False)], [], False
    while not over:
        chosen = act(observations)
        chosen[row] = own(observations[row : row + 1])[0]
        actions.append(chosen[row])
        observations, rewards, ends, _, info = env.step(chosen)
        over = bool(ends[row])
        observation = info["final_obs"][row] if over else observations[row]
        steps.append((observation, float(rewards[row]), over))
    steps.append({"wrong_symbols": int(info["final_info"]["wrong_symbols"][row])})
    alone = play_alone(name, key, length, actions)
    assert len(alone) == len(steps)
    assert alone[-1] == steps[-1]
    for mine, other in zip(steps[:-1], alone[:-1], strict=True):
        np.testing.assert_array_equal(mine[0], other[0])
        assert mine[1:] == other[1:]


@pytest.mark.parametrize("mode", list(AutoresetMode), ids=lambda mode: mode.value)
@pytest.mark.parametrize("name", NAMES)
def test_rows_are_single_environments_in_every_autoreset_mode(name, mode):
    rows, random = 4, np.random.default_rng(0)
    many = SequenceVectorEnv(name, rows, length=(1, 4), autoreset_mode=mode.value)
    single = [SequenceEnv(name, length=(1, 4)) for _ in range(rows)]
    observations, infos = many.reset(seed=3)
    act, ended = guided(many.task, rows, random), np.zeros(rows, np.bool_)
    for row, env in enumerate(single):
        observation, info = env.reset(seed=3 + row)
        np.testing.assert_array_equal(observation, observations[row])
        assert info == {key: infos[key][row] for key in info}
    for _ in range(80):
        actions = act(observations)
        if mode is AutoresetMode.NEXT_STEP:
            actions[ended] = 9  # no action at all, which nobody looks at
        observations, rewards, over, truncated, infos = many.step(actions)
        assert not truncated.any()
        for row, env in enumerate(single):
            if ended[row]:
                observation, info = env.reset()
                reward, end = 0.0, False
            else:
                observation, reward, end, _, info = env.step(actions[row])
            assert (reward, end) == (rewards[row], over[row])
            there = infos
            if end and mode is AutoresetMode.SAME_STEP:
                there = infos["final_info"]
                np.testing.assert_array_equal(observation, infos["final_obs"][row])
                assert info == {"wrong_symbols": there["wrong_symbols"][row]}
                observation, info = env.reset()
                there = infos
            np.testing.assert_array_equal(observation, observations[row])
            assert all(there[f"_{key}"][row] for key in info)
            assert info == {key: there[key][row] for key in info}
        if mode is AutoresetMode.NEXT_STEP:
            ended = over
        elif mode is AutoresetMode.DISABLED and over.any():
            before = observations
            observations, infos = many.reset(options={"reset_mask": over})
            np.testing.assert_array_equal(observations[~over], before[~over])
            np.testing.assert_array_equal(infos["_episode_key"], over)
            for row in np.flatnonzero(over):
                observation, info = single[row].reset()
                np.testing.assert_array_equal(observation, observations[row])
                assert info == {key: infos[key][row] for key in info}


@pytest.mark.parametrize("name", NAMES)
def test_options_hold_for_one_episode_and_leave_the_stream_alone(name):
    plain, optional = SequenceEnv(name), SequenceEnv(name)
    assert optional.reset(seed=3)[1] == plain.reset(seed=3)[1]
    assert optional.reset(options={"length": 37, "key": 123})[1] == {"episode_key": 123, "length": 37}
    one, two = (optional.reset(options={"length": 7})[1] for _ in range(2))
    assert one["length"] == two["length"] == 7
    assert one["episode_key"] != two["episode_key"]
    for _ in range(20):
        assert optional.reset()[1] == plain.reset()[1]


@pytest.mark.parametrize("name", NAMES)
def test_options_of_some_rows_leave_the_streams_of_all_alone(name):
    plain, optional = SequenceVectorEnv(name, 3), SequenceVectorEnv(name, 3)
    np.testing.assert_equal(optional.reset(seed=3), plain.reset(seed=3))
    mask, keys = np.array([True, False, True]), []
    for options in (
        {"length": 37, "key": np.array([1, 2, 3])},
        {"length": np.array([7, 8, 9])},
        {"length": 7},
    ):
        _, info = optional.reset(options={**options, "reset_mask": mask})
        assert info["_episode_key"].tolist() == mask.tolist()
        np.testing.assert_array_equal(info["length"], np.where(mask, options["length"], 0))
        keys.append(info["episode_key"].tolist())
    assert keys[0] == [1, 0, 3]
    assert len({*keys[1][::2], *keys[2][::2]}) == 4
    for _ in range(20):
        np.testing.assert_equal(optional.reset(), plain.reset())


@pytest.mark.parametrize("name", ["tape_copy", "parity"])
def test_options_mean_the_same_episodes_in_one_environment_and_in_many(name):
    one, many = SequenceEnv(name), SequenceVectorEnv(name, 1)
    one.reset(seed=3), many.reset(seed=3)
    for options in ({"length": 3}, {"key": 5}, {"length": 4}, {"length": 4}):
        mine, other = (env.reset(options=dict(options))[1] for env in (one, many))
        assert mine == {key: other[key][0] for key in mine}


@pytest.mark.parametrize("name", NAMES)
def test_longer_episodes_grow_the_states_and_leave_other_rows_as_they_were(name):
    env, twin = (SequenceVectorEnv(name, 3, length=3, autoreset_mode="Disabled") for _ in range(2))
    observations, _ = env.reset(seed=0)
    twin.reset(seed=0)
    wait = np.tile(np.array([R, 0, 0]), (3, 1))
    mask = np.array([False, True, False])
    env.step(wait), twin.step(wait)
    observations, info = env.reset(options={"length": 30, "key": 9, "reset_mask": mask})
    assert info["length"].tolist() == [0, 30, 0]
    state = env.task.begin(np.array([9]), {"length": np.array([30])})
    tape = state["tape"][0]
    for step in range(9):
        assert observations[1].argmax() == tape[step]
        observations, rewards, over, *_ = env.step(wait)
        others, other_rewards, other_over, *_ = twin.step(wait)
        np.testing.assert_array_equal(observations[~mask], others[~mask])
        np.testing.assert_array_equal(rewards[~mask], other_rewards[~mask])
        np.testing.assert_array_equal(over[~mask], other_over[~mask])
        if over.any():
            break
    assert over.tolist() == [True, False, True]


def test_assigning_larger_states_grows_arrays_and_smaller_ones_clear_what_was_there():
    state = {"a": np.arange(1, 7).reshape(3, 2), "b": np.array([1, 2, 3]), "c": np.ones((3, 2, 2), np.int8)}
    new = {"a": np.array([[7, 8, 9]]), "b": np.array([4]), "c": np.full((1, 3, 1), 5, np.int8)}
    assign(state, np.array([1]), new)
    assert state["a"].tolist() == [[1, 2, 0], [7, 8, 9], [5, 6, 0]]
    assert state["b"].tolist() == [1, 4, 3]
    assert state["c"].dtype == np.int8
    assert state["c"][1].tolist() == [[5, 0], [5, 0], [5, 0]]
    assert state["c"][0].tolist() == [[1, 1], [1, 1], [0, 0]]
    assign(state, np.array([2, 1]), {"a": np.array([[1], [2]]), "b": np.array([8, 9])})
    assert state["a"].tolist() == [[1, 2, 0], [2, 0, 0], [1, 0, 0]]
    assert state["b"].tolist() == [1, 9, 8]
    assert new["a"].tolist() == [[7, 8, 9]]


@pytest.mark.parametrize("name", NAMES)
def test_returns_of_random_agents_are_within_their_bounds(name):
    env = SequenceVectorEnv(name, 2000, length=(1, 6), autoreset_mode="SameStep")
    _, info = env.reset(seed=0)
    env.action_space.seed(0)
    low, high = env.task.return_bounds({"length": info["length"]})
    np.testing.assert_array_equal(low, np.full(2000, -1))
    np.testing.assert_array_equal(high, info["length"])
    total, playing_still = np.zeros(2000), np.ones(2000, np.bool_)
    while playing_still.any():
        _, rewards, over, *_ = env.step(env.action_space.sample())
        total += rewards * playing_still
        playing_still &= ~over
    assert (total >= low).all()
    assert (total <= high).all()
    assert set(total) > {-1, -0.5, 0.5, 1}


def test_there_are_no_targets_to_reveal():
    for make in (SequenceEnv, SequenceVectorEnv):
        with pytest.raises(ValueError, match="TapeCopy is interactive and has no targets"):
            make("tape_copy", reveal_target=True)


@pytest.mark.parametrize(("base", "message"), [(1, "base is 1"), (63, "base is 63; expected at most 62")])
def test_bad_alphabets_are_refused(base, message):
    with pytest.raises(ValueError, match=message):
        TapeCopy(base=base)


@dataclass(frozen=True, kw_only=True)
class Broken(TapeCopy):
    """A tape with one fault."""

    fault: str = ""

    def begin(self, keys, sizes):
        state = super().begin(keys, sizes)
        if self.fault == "batch":
            state["tape"] = np.roll(state["tape"], 1, axis=0)
        if self.fault == "last of batch":
            state["tape"][-1] = len(keys) % self.base
        if self.fault == "impure":
            state["tape"] = IMPURE.integers(self.base, size=state["tape"].shape, dtype=np.uint8)
        return state

    def observe(self, state):
        observations = super().observe(state)
        if self.fault == "observation":
            observations[:, 1] *= 2
        if self.fault == "nan":
            observations[:, 1] = np.nan
        return observations

    def act(self, state, answers):
        if self.fault == "slow":
            answers = answers * np.array([1, 0, 1], np.uint8)  # nothing is written
        rewards, over = super().act(state, answers)
        if self.fault == "endless":
            over = np.zeros_like(over)
        if self.fault == "slow":  # shorter ones last as long as the longest may
            over = state["step"] >= self.steps(**SIZES)
            rewards = np.where(over, -1.0, 0.0)
        if self.fault == "nan reward":
            rewards[over] = np.nan
        if self.fault == "returns":
            rewards = 2 * rewards
        return rewards, over

    @property
    def output_channels(self):
        return super().output_channels[: 2 if self.fault == "channels" else 3]

    @property
    def constant_output(self):
        if self.fault == "constant shape":
            return np.zeros(2, np.uint8)
        if self.fault == "constant class":
            return np.array([1, 1, 5], np.uint8)
        return super().constant_output


IMPURE = np.random.default_rng(0)
SIZES = {"length": (1, 5)}


@pytest.mark.parametrize(("task", "sizes"), [("tape_copy", SIZES), ("tape_reverse", {"length": 3})])
def test_check_task_finds_nothing_wrong_with_sound_tasks(task, sizes):
    check_task(tasks.get(task), sizes)
    check_task(Broken(), SIZES)


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ("batch", "the episode of key 0 depends on the other episodes beside it"),
        ("impure", "the same keys and answers gave other episodes the second time"),
        ("endless", "an episode is not over after max_steps"),
        ("returns", r"returns are from -1\.0 to .* return_bounds do not allow"),
        ("observation", "the input channel 'symbol 1' holds 2.0 at step .* input_bounds allow 0.0 to 1.0"),
        ("constant shape", r"constant_output is \[0 0\]; expected 3 symbols"),
        ("constant class", r"constant_output is \[1 1 5\]; expected 3 symbols of Symbols\(\(2, 2, 5\)\)"),
    ],
)
def test_check_task_names_each_broken_promise(fault, message):
    with pytest.raises(TaskError, match=f"Broken: .*{message}"):
        check_task(Broken(fault=fault), SIZES)


# Only the first episode is compared; time is up for all at the longest's; NaN is taken for the padding.
@pytest.mark.parametrize("fault", ["last of batch", "slow", "channels", "nan", "nan reward"])
def test_check_task_names_subtler_ones_too(fault):
    with pytest.raises(TaskError):
        check_task(Broken(fault=fault), SIZES)
