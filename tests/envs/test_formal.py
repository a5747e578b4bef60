"""The formal languages, compared with slow definitions that see only the inputs."""

import re

import numpy as np
import pytest
import slow_formal
from gymnasium.vector import AutoresetMode
from hypothesis import given, settings
from hypothesis import strategies as st

from ntm_envs import SequenceEnv, SequenceVectorEnv, tasks
from ntm_envs.tasks.formal import modular_arithmetic, stack_manipulation

NAMES = [row.name for row in tasks.suite("formal")]
SIZE = {row.name: next(iter(row.training)) for row in tasks.suite("formal")}
KEYS = np.array([*range(60), *(2**63 - 1 - np.arange(20)), *(2**40 * np.arange(1, 20))])


def sizes_of(name):
    """Return sizes from the smallest upwards, and a range."""
    least = tasks.get(name).limits[SIZE[name]][0]
    return [least, least + 1, least + 2, 10, 41, (least, 40)]


def episodes(name, size, keys=KEYS):
    return tasks.get(name).episodes(keys, **{SIZE[name]: size})


def tokens_of(name, batch):
    """Yield the tokens of each episode before its first scored step, as names of channels."""
    channels = tasks.get(name).input_channels
    assert channels[-1] == "answer"
    for b in range(len(batch.keys)):
        yield [channels[seen.argmax()] for seen in batch.inputs[: batch.mask[:, b].argmax(), b]]


def cases(test):
    return pytest.mark.parametrize(
        ("name", "size"), [(name, size) for name in NAMES for size in sizes_of(name)], ids=str
    )(test)


@cases
def test_targets_follow_from_the_inputs_by_definition(name, size):
    batch = episodes(name, size)
    for b, tokens in enumerate(tokens_of(name, batch)):
        answers = batch.targets[batch.mask[:, b], b].tolist()
        expected = np.array(slow_formal.ANSWERS[name](tokens)).reshape(len(answers), -1).tolist()
        assert answers == expected, (batch.keys[b], tokens)


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=10)
@given(st.integers(0, 2**63 - 1), st.integers(0, 200))
def test_strings_are_their_second_definitions(name, key, above):
    size = tasks.get(name).limits[SIZE[name]][0] + above
    (tokens,) = tokens_of(name, episodes(name, size, [key]))
    assert tokens == slow_formal.STRINGS[name](key, size)


@cases
def test_inputs_are_one_hot_and_only_the_flag_is_set_at_scored_steps(name, size):
    batch = episodes(name, size)
    there = np.arange(len(batch.mask))[:, None] < batch.steps
    assert np.isin(batch.inputs, (0, 1)).all()
    np.testing.assert_array_equal(batch.inputs.sum(axis=2), there)
    np.testing.assert_array_equal(batch.inputs[:, :, -1], batch.mask)


@cases
def test_answers_are_the_last_steps_and_follow_all_tokens(name, size):
    batch = episodes(name, size)
    own = batch.sizes[SIZE[name]]
    first = {"modular_arithmetic": 2 * own - 1, "missing_duplicate": 2 * own}.get(name, own)
    step = np.arange(len(batch.mask))[:, None]
    np.testing.assert_array_equal(batch.mask, (step >= first) & (step < batch.steps))
    assert len(batch.mask) == batch.steps.max() <= tasks.get(name).steps(**{SIZE[name]: size})


@pytest.mark.parametrize("operands", [1, 2, 3, 10, 11])
def test_expressions_alternate_digits_and_operators_for_every_number_of_operands(operands):
    for tokens in tokens_of("modular_arithmetic", episodes("modular_arithmetic", operands)):
        assert len(tokens) == 2 * operands - 1
        assert all(token in "01234" for token in tokens[::2])
        assert all(token in "+-*" for token in tokens[1::2])


def test_the_precedence_is_not_from_left_to_right():
    task = tasks.get("modular_arithmetic")
    digits, operators, there = np.array([[2], [3], [4]]), np.array([[0], [2]]), np.ones((3, 1), bool)
    assert modular_arithmetic._values(digits, operators, there).tolist() == [4]  # 2 + 3 * 4
    batch = task.episodes(np.arange(3000), operands=6)
    from_left = []
    for tokens in tokens_of("modular_arithmetic", batch):
        value = int(tokens[0])
        for operator, digit in zip(tokens[1::2], tokens[2::2], strict=True):
            value = eval(f"{value}{operator}{digit}")
        from_left.append(value % 5)
    assert (batch.targets[-1, :, 0] != from_left).any()


def heights(batch):
    """Return the heights of the initial stacks; their bits are the first two channels."""
    return batch.inputs[:, :, :2].sum(axis=(0, 2)).astype(int)


@pytest.mark.parametrize("length", [2, 3, 9, 40])
def test_the_initial_stack_comes_first_and_its_height_is_uniform(length):
    batch, count = episodes("stack_manipulation", length, np.arange(20_000)), 20_000
    high, share = heights(batch), 1 / (length - 1)
    seen = np.bincount(high, minlength=length)
    assert seen[0] == 0
    assert len(seen) == length
    assert (abs(seen[1:] - count * share) <= 4 * np.sqrt(count * share * (1 - share))).all()
    step = np.arange(length)[:, None]
    np.testing.assert_array_equal(batch.inputs[:length, :, :2].any(axis=2), step < high)
    np.testing.assert_array_equal(batch.inputs[:length, :, 2:5].any(axis=2), step >= high)


def uniform(counts):
    """Return whether classes are equally frequent within four standard errors, along the last axis."""
    counts = np.asarray(counts)
    total, share = counts.sum(axis=-1, keepdims=True), 1 / counts.shape[-1]
    return (abs(counts - total * share) < 4 * np.sqrt(total * share * (1 - share))).all()


def test_operations_and_bits_of_stacks_are_uniform_at_every_step():
    batch = episodes("stack_manipulation", 8, np.arange(20_000))
    counts = batch.inputs[:8].sum(axis=1)
    assert uniform(counts[:7, :2])
    assert uniform(counts[1:, 2:5])


def test_digits_operators_and_bits_are_uniform_at_every_step():
    counts = episodes("modular_arithmetic", 6, np.arange(20_000)).inputs[:11].sum(axis=1)
    assert uniform(counts[::2, :5])
    assert uniform(counts[1::2, 5:8])
    assert not counts[::2, 5:].any()
    assert not counts[1::2, :5].any()
    assert uniform(episodes("parity", 6, np.arange(20_000)).inputs[:6, :, :2].sum(axis=1))


@pytest.mark.parametrize("name", ["parity", "modular_arithmetic", "stack_manipulation"])
def test_neighbouring_tokens_are_independent(name):
    batch = episodes(name, 6, np.arange(20_000))
    if name == "stack_manipulation":  # the next token is uniform among bits, or among operations
        both = batch.inputs[:, heights(batch) == 3]
        one, other, classes = both[3, :, 2:5].argmax(1), both[4, :, 2:5].argmax(1), (3, 3)
    elif name == "modular_arithmetic":
        one, other, classes = batch.inputs[2, :, :5].argmax(1), batch.inputs[3, :, 5:8].argmax(1), (5, 3)
    else:
        one, other, classes = batch.inputs[2, :, :2].argmax(1), batch.inputs[3, :, :2].argmax(1), (2, 2)
    assert uniform(np.bincount(one * classes[1] + other, minlength=classes[0] * classes[1]))


@pytest.mark.parametrize(
    "name", [name for name in NAMES if episodes(name, 7, [0]).mask.sum() == 1 and name != "s5_words"]
)
def test_every_answer_occurs(name):
    batch, classes = episodes(name, 7, np.arange(2000)), tasks.get(name).answers.sizes[0]
    assert (np.bincount(batch.targets[batch.mask][:, 0], minlength=classes) > 200).all()


@pytest.mark.parametrize("group", ["s5", "a5", "c5"])
def test_words_reach_the_whole_group_and_nothing_else(group):
    batch = tasks.get("s5_words", group=group).episodes(np.arange(4000), length=(30, 31))
    products = {tuple(answer) for answer in batch.targets[batch.mask].tolist()}
    assert len(products) == {"s5": 120, "a5": 60, "c5": 5}[group]
    assert {tuple(sorted(product)) for product in products} == {(0, 1, 2, 3, 4)}


@pytest.mark.parametrize("name", ["binary_addition", "binary_multiplication"])
def test_operands_have_uniform_widths_and_are_uniform_without_zero(name):
    batch = episodes(name, 7, np.arange(20_000))
    width = batch.inputs[:7, :, 2].argmax(axis=0)
    assert uniform(np.bincount(width)[1:])
    three = batch.inputs[:, width == 3, 1].astype(int)
    for operand in (three[:3], three[4:7]):
        counts = np.bincount(operand.T @ [1, 2, 4], minlength=8)
        assert counts[0] == 0
        assert uniform(counts[1:])


def test_numbers_of_any_size_are_uniform():
    bits = episodes("compute_sqrt", 200, np.arange(5000)).inputs[:200, :, :2]
    assert uniform(bits.sum(axis=1))
    values = episodes("compute_sqrt", 3, np.arange(20_000)).inputs[:3, :, 1].astype(int).T @ [4, 2, 1]
    assert uniform(np.bincount(values, minlength=8)[1:])
    assert values.min() == 1


def test_a_duplicate_hides_each_bit_equally_often():
    hidden = episodes("missing_duplicate", 5, np.arange(20_000)).inputs[:10, :, 2]
    assert (hidden.sum(axis=0) == 1).all()
    assert uniform(hidden.sum(axis=1))


def test_short_expressions_are_digits_with_a_sign_or_brackets():
    forms = {1: "d", 2: "-d", 3: "(d)", 4: "(-d)"}
    for length, form in forms.items():
        batch = episodes("modular_arithmetic_brackets", length)
        texts = {"".join(tokens) for tokens in tokens_of("modular_arithmetic_brackets", batch)}
        assert texts == {form.replace("d", digit) for digit in "01234"}


def test_long_expressions_are_split_uniformly():
    batch = episodes("modular_arithmetic_brackets", 8, np.arange(20_000))
    texts = ["".join(tokens) for tokens in tokens_of("modular_arithmetic_brackets", batch)]
    # Left parts of 1 to 4 tokens: d, -d, (d) and (-d).
    lefts = [re.match(r"\((\d|-\d|\(\d\)|\(-\d\))([-+*])", text) for text in texts]
    assert uniform(np.bincount([len(left[1]) for left in lefts])[1:])
    assert uniform([sum(left[2] == operator for left in lefts) for operator in "+-*"])


def test_the_unknown_of_an_equation_is_a_uniform_digit_and_each_of_them_equally_often():
    batch = episodes("solve_equation", 12, np.arange(20_000))
    assert uniform(np.bincount(batch.targets[-1, :, 0], minlength=5))
    places = {}
    for tokens in tokens_of("solve_equation", batch):
        digits = [token for token in tokens[:-2] if token in "01234x"]
        places.setdefault(len(digits), []).append(digits.index("x"))
    assert set(places) == {2, 3}
    assert all(uniform(np.bincount(found, minlength=count)) for count, found in places.items())


@pytest.mark.parametrize("length", [2, 5, (2, 12)])
def test_targets_of_stacks_end_with_the_end_symbol_and_nothing_is_scored_after_it(length):
    batch = episodes("stack_manipulation", length, np.arange(500))
    for b, steps in enumerate(batch.steps):
        answer = batch.targets[batch.mask[:, b], b, 0]
        assert answer[-1] == stack_manipulation.END
        assert not (answer[:-1] == stack_manipulation.END).any()
        assert batch.mask[steps - 1, b]
        assert not batch.mask[steps:, b].any()
        assert not batch.targets[steps:, b].any()
        assert not batch.inputs[steps:, b].any()


def test_final_stacks_may_be_empty_or_full():
    batch = episodes("stack_manipulation", 6, np.arange(3000))
    answers = batch.mask.sum(axis=0)
    assert answers.min() == 1  # the end symbol alone
    assert answers.max() == 7
    popped_empty = [
        tokens
        for tokens in tokens_of("stack_manipulation", batch)
        if tokens.count("pop") > sum(token != "pop" for token in tokens)
    ]
    assert popped_empty


def test_episodes_of_one_size_end_at_different_steps():
    batch = episodes("stack_manipulation", 5, np.arange(300))
    # Five symbols remain, or three after one POP, and so on; four would need a POP of an empty stack.
    assert set(batch.steps - 6) == {0, 1, 2, 3, 5}
    np.testing.assert_array_equal(
        tasks.get("stack_manipulation").count_steps(batch.keys, batch.sizes), batch.steps
    )
    assert (batch.steps <= tasks.get("stack_manipulation").max_steps(batch.sizes)).all()


def single_episodes(row, count):
    """Return the keys and observations of the first episodes of a single environment."""
    env, found = SequenceEnv("stack_manipulation", length=4, reveal_target=True), []
    observation, info = env.reset(seed=row)
    for _ in range(count):
        key, seen, over = info["episode_key"], [observation], False
        while not over:
            observation, _, over, _, info = env.step(info["target"])
            seen.append(observation)
        assert info["wrong_symbols"] == 0
        found.append((key, np.array(seen[:-1])))
        observation, info = env.reset()
    return found


@pytest.mark.parametrize("mode", list(AutoresetMode), ids=lambda mode: mode.value)
def test_a_vector_environment_handles_episodes_that_end_at_different_steps(mode):
    rows, count = 5, 6
    env = SequenceVectorEnv(
        "stack_manipulation", rows, length=4, reveal_target=True, autoreset_mode=mode.value
    )
    observations, info = env.reset(seed=0)
    target, returns, ragged = info["target"], np.zeros(rows), 0
    played = [[(key, [])] for key in info["episode_key"].tolist()]
    waiting = np.zeros(rows, np.bool_)  # rows whose next episodes start at the next step
    while min(map(len, played)) <= count:
        for row in np.flatnonzero(~waiting):
            played[row][-1][1].append(observations[row])
        observations, rewards, over, truncated, info = env.step(target)
        assert not truncated.any()
        returns += rewards
        np.testing.assert_allclose(returns[over], 1, atol=1e-9)
        returns[over] = 0
        ragged += over.any() and not over.all()
        if over.any():
            final = info["final_info"] if mode is AutoresetMode.SAME_STEP else info
            assert final["_wrong_symbols"][over].all()
            assert not final["wrong_symbols"].any()
        target, begun = info["target"], over
        if mode is AutoresetMode.NEXT_STEP:
            begun, waiting = waiting, over
        elif mode is AutoresetMode.DISABLED and over.any():
            observations, info = env.reset(options={"reset_mask": over})
            target = np.where(over[:, None], info["target"], target)
        for row in np.flatnonzero(begun):
            played[row].append((int(info["episode_key"][row]), []))
    assert ragged > 3
    for row in range(rows):
        pairs = zip(played[row][:count], single_episodes(row, count), strict=True)
        for (key, seen), (alone_key, alone) in pairs:
            assert key == alone_key
            np.testing.assert_array_equal(np.array(seen), alone)
