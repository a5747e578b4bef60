"""The tape tasks: hand-worked episodes, oracles, and distributions."""

import numpy as np
import pytest

from ntm_envs import SequenceVectorEnv, capacity, playing, tasks
from ntm_envs.tasks.interactive.tape_copy import TapeCopy
from ntm_envs.tasks.interactive.tape_reverse import TapeReverse

NAMES = ["tape_copy", "tape_reverse"]
L, R = 0, 1  # moves


def transcript(task, tape, actions):
    """Play one episode on a given tape.

    Returns:
        The observed symbols (None outside the tape), the rewards, the ends, and the number of wrong symbols.
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
    assert wrong == 2  # missing symbols are wrong
    _, rewards, ends, wrong = transcript(task, [2, 0, 4], [(R, 1, 1)])
    assert (rewards, ends, wrong) == ([-0.5], [True], 3)


@pytest.mark.parametrize("task", [TapeCopy(), TapeReverse()])
@pytest.mark.parametrize("length", [1, 2, 5])
def test_the_time_limit_is_two_steps_per_symbol_and_four_and_costs_one(task, length):
    steps = 2 * length + 4
    assert task.steps(length=length) == steps
    for symbol in (0, 1):  # has no effect, as it is not written
        _, rewards, ends, wrong = transcript(task, [1] * length, [(R, 0, symbol)] * steps)
        assert rewards == [0] * (steps - 1) + [-1]
        assert ends == [False] * (steps - 1) + [True]
        assert wrong == length


def test_the_last_step_may_still_be_correct():
    wait, write = (R, 0, 0), (R, 1, 1)
    _, rewards, ends, _ = transcript(TapeCopy(), [1], [wait] * 5 + [write])
    assert (rewards, ends[-1]) == ([0] * 5 + [1], True)
    _, rewards, ends, wrong = transcript(TapeCopy(), [1, 1], [wait] * 7 + [write])
    assert (rewards, ends[-1]) == ([0] * 7 + [0], True)  # +1 for the symbol, -1 for the time limit
    assert wrong == 1
    _, rewards, ends, _ = transcript(TapeCopy(), [1, 1], [wait] * 7 + [(R, 1, 0)])
    assert (rewards, ends[-1]) == ([0] * 7 + [-0.5], True)  # the time limit adds nothing to a wrong symbol


def test_heads_may_leave_the_tape_at_both_ends_and_return():
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


@pytest.mark.parametrize(
    ("base", "message"), [(1, "base is 1"), (63, "base is 63; expected an integer from 2 to 62")]
)
def test_bad_alphabets_are_refused(base, message):
    with pytest.raises(ValueError, match=message):
        TapeCopy(base=base)
