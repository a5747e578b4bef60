"""All tasks of the table: requirements, returns, errors and documentation."""

import doctest
import importlib
import pkgutil
import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import ntm_envs
from ntm_envs import capacity, tasks
from ntm_envs.answers import Bits
from ntm_envs.testing import check_task

SEQUENCES = [row for row in tasks.TABLE if isinstance(row.make(), tasks.SequenceTask)]
INTERACTIVE = [row for row in tasks.TABLE if row not in SEQUENCES]
VARIANTS = [(row.name, {}, dict(row.training)) for row in SEQUENCES if row.name != "one_shot"]
VARIANTS += [
    ("copy", {"bits": 70}, {"length": (1, 4)}),
    ("associative_recall", {"bits": 1, "item_length": 1}, {"items": (2, 6)}),
    ("associative_recall", {"answer": "previous"}, {"items": (2, 6)}),
    ("associative_recall", {"cyclic": True, "answer": "previous", "item_length": 2}, {"items": (2, 6)}),
    ("ngrams", {}, {"length": (6, 200)}),
    ("ngrams", {"bits": 3, "context": 2}, {"length": (3, 40)}),
    ("priority_sort", {}, {"length": (2, 20)}),
    ("priority_sort", {"outputs": 3, "bits": 9}, {"length": (3, 9)}),
    ("s5_words", {"group": "a5"}, {"length": (1, 12)}),
    ("s5_words", {"group": "c5"}, {"length": (1, 12)}),
    ("traversal", {"out_degree": (1, 6)}, {"nodes": (2, 12), "path": (1, 4)}),
    ("one_shot", {}, {"classes": (2, 5), "shots": (1, 4)}),
    ("one_shot", {"labels": 9}, {"classes": (2, 4), "shots": (1, 3)}),
    ("key_value_recall", {"gaps": 9, "key_bits": 6, "queries": 5}, {"pairs": (1, 30)}),
    ("inference", {"out_degree": (3, 5), "planning": 0}, {"nodes": (3, 12), "relation": (2, 5)}),
]


@pytest.fixture(params=VARIANTS, ids=lambda variant: f"{variant[0]}-{variant[1]}")
def variant(request):
    name, parameters, sizes = request.param
    return tasks.get(name, **parameters), sizes


def play(agent, batch):
    agent.begin(len(batch.keys), capacity(len(batch.mask)), seed=0)
    return np.stack([agent.act(inputs) for inputs in batch.inputs])


def returns(task, batch, given):
    answers = task.answers
    _, credit = answers.grade(answers.pack(given), answers.pack(batch.targets))
    return np.where(batch.mask, credit / answers.max_credit(batch.mask.sum(axis=0)), 0).sum(axis=0)


def test_sequence_tasks_meet_all_requirements(variant):
    check_task(*variant)


@pytest.mark.parametrize("row", INTERACTIVE, ids=lambda row: row.name)
def test_interactive_tasks_meet_all_requirements(row):
    check_task(row.make(), row.training)


def test_the_oracle_returns_one_and_wrong_answers_the_lower_bound(variant):
    task, sizes = variant
    batch = task.episodes(np.arange(100), **sizes)
    if task.oracle() and task.oracle().outputs == "answers":
        np.testing.assert_allclose(returns(task, batch, play(task.oracle(), batch)), 1, atol=1e-9)
    np.testing.assert_allclose(returns(task, batch, batch.targets), 1, atol=1e-9)
    other = ((batch.targets + 1) % task.answers.sizes).astype(task.answers.dtype)
    lowest, highest = task.return_bounds(batch.sizes)
    np.testing.assert_allclose(returns(task, batch, other), lowest, atol=1e-9)
    assert (highest == 1).all()
    if isinstance(task.answers, Bits):
        assert (lowest == -1).all()


def test_uniform_guesses_return_zero_on_average(variant):
    task, sizes = variant
    batch, random = task.episodes(np.arange(2000), **sizes), np.random.default_rng(0)
    guesses = np.stack([task.answers.uniform(random, 2000) for _ in batch.mask])
    values = returns(task, batch, guesses)
    assert abs(values.mean()) < 4 * values.std() / np.sqrt(len(values))


def test_the_constant_of_repeat_copy_earns_the_expected_return():
    task = tasks.get("repeat_copy")
    batch = task.episodes(np.arange(4000), length=10, repeats=10)
    values = returns(task, batch, np.zeros_like(batch.targets) + task.constant_output)
    expected = (10 * 10 + 7) / (9 * (10 * 10 + 1))
    assert abs(values.mean() - expected) < 4 * values.std() / np.sqrt(len(values))


def test_the_optimal_predictor_of_ngrams_costs_127_9_bits_and_returns_0_54():
    task = tasks.get("ngrams")
    batch = task.episodes(np.arange(4000), length=200)
    probabilities = play(task.oracle(), batch)
    costs = (task.answers.cost_in_bits(probabilities, batch.targets) * batch.mask).sum(axis=0)
    assert abs(costs.mean() - 127.9) < 4 * costs.std() / np.sqrt(len(costs))
    values = returns(task, batch, task.answers.decode(probabilities))
    assert abs(values.mean() - 0.54) < 0.005 + 4 * values.std() / np.sqrt(len(values))


def test_long_contexts_of_ngrams_are_counted_for_a_few_episodes_at_a_time():
    task, keys = tasks.get("ngrams", context=20), np.arange(20)
    tracemalloc.start()
    batch = task.episodes(keys, length=(21, 30))  # 20 tables of 16 MiB
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 200 * 2**20
    for key in (0, 7, 8, 19):
        alone = task.episodes([key], length=(21, 30)).inputs
        np.testing.assert_array_equal(batch.inputs[: len(alone), key], alone[:, 0])


def test_the_bits_of_ngrams_follow_the_beta_distribution_of_contexts():
    """The frequency of ones after a context is distributed as Beta(1/2, 1/2), as in the paper."""
    task = tasks.get("ngrams", context=1)
    batch = task.episodes(np.arange(3000), length=400)
    bits = batch.inputs[:, :, 0].T  # (B, T)
    after_one = bits[:, 1:] * bits[:, :-1]
    shares = after_one.sum(1)[bits.sum(1) > 100] / bits[:, :-1].sum(1)[bits.sum(1) > 100]
    # Arcsine law: half of the mass lies below sin^2(pi / 4), and a quarter below sin^2(pi / 8).
    assert 0.1 < (shares < np.sin(np.pi / 8) ** 2).mean() < 0.3
    assert shares.std() > 0.25


def test_priorities_are_exact_and_ties_keep_their_order():
    task = tasks.get("priority_sort", bits=3)
    batch = task.episodes(np.arange(200), length=12)
    priorities = batch.inputs[:12, :, -2]
    assert ((priorities + 1) * 2**23 == np.round((priorities + 1) * 2**23)).all()
    for b in range(200):
        order = sorted(range(12), key=lambda i: (-priorities[i, b], i))[: 4 * 12 // 5]
        np.testing.assert_array_equal(batch.targets[13:, b], batch.inputs[order, b, :3])


@pytest.mark.parametrize(("answer", "cyclic"), [("next", False), ("previous", False), ("next", True)])
def test_the_query_of_associative_recall_is_unambiguous_and_reaches_every_item(answer, cyclic):
    task = tasks.get("associative_recall", bits=2, item_length=1, answer=answer, cyclic=cyclic)
    batch = task.episodes(np.arange(500), items=4)
    items, query = batch.inputs[1:8:2, :, :2], batch.inputs[9, :, :2]
    same = (items == query).all(axis=2)  # (items, B)
    assert (same.sum(axis=0) == 1).all()
    positions = set(same.argmax(axis=0).tolist())
    assert positions == {("next", False): {0, 1, 2}, ("previous", False): {1, 2, 3}}.get(
        (answer, cyclic), {0, 1, 2, 3}
    )


@given(st.data())
def test_an_episode_depends_on_its_key_and_sizes_alone(data):
    name, parameters, ranges = data.draw(st.sampled_from(VARIANTS))
    task = tasks.get(name, **parameters)
    keys = np.array(data.draw(st.lists(st.integers(0, 2**63 - 1), min_size=1, max_size=6)))
    mixed = task.episodes(keys, **ranges)
    row = data.draw(st.integers(0, len(keys) - 1))
    T = int(mixed.steps[row])
    alone = task.episodes(keys[row], **{name: int(size[row]) for name, size in mixed.sizes.items()})
    assert len(alone.mask) == T
    for array in ("inputs", "targets", "mask"):
        np.testing.assert_array_equal(getattr(alone, array)[:, 0], getattr(mixed, array)[:T, row])
        assert not getattr(mixed, array)[T:, row].any()


def test_neighbouring_keys_share_no_episode():
    for row in SEQUENCES:
        if row.name in (
            "ngrams",
            "parity",
            "missing_duplicate",
        ):  # whose episodes have few bits, or may consist of zeros only
            continue
        count = 500 if row.name == "one_shot" else 10_000
        batch = row.make().episodes(np.arange(count), **row.largest)
        episodes = {episode.tobytes() for episode in batch.inputs.transpose(1, 0, 2)}
        assert len(episodes) == count, row.name


@pytest.mark.parametrize(
    ("sizes", "error", "message"),
    [
        ({}, TypeError, "needs the size 'length'"),
        ({"length": 5, "width": 3}, TypeError, "no size 'width'"),
        ({"length": 0}, ValueError, "length=0 is out of range"),
        ({"length": (0, 3)}, ValueError, "out of range"),
        ({"length": (5, 3)}, ValueError, "empty"),
        ({"length": (1, 2, 3)}, ValueError, "not a range"),
        ({"length": 2.5}, TypeError, "not an integer"),
        ({"length": np.array([1, 2, 3])}, ValueError, r"shape \(3,\)"),
    ],
)
def test_bad_sizes_are_refused(sizes, error, message):
    with pytest.raises(error, match=message):
        tasks.get("copy").episodes([1, 2], **sizes)


@pytest.mark.parametrize(
    ("name", "parameters", "message"),
    [
        ("copy", {"bits": 0}, "bits is 0"),
        ("copy", {"bits": 1.5}, "bits is 1.5"),
        ("one_shot", {"labels": 1}, "labels is 1"),
        ("ngrams", {"context": 21}, "context is 21"),
        ("associative_recall", {"answer": "nxt"}, "answer is 'nxt'"),
        ("associative_recall", {"cyclic": 1}, "cyclic is 1"),
        ("priority_sort", {"outputs": 0}, "outputs is 0"),
        ("repeat_copy", {"repeats": 3}, "repeats"),
        ("s5_words", {"group": "s6"}, "group is 's6'"),
        ("s5_words", {"group": ["s5"]}, "group is"),
    ],
)
def test_bad_parameters_are_refused(name, parameters, message):
    with pytest.raises((TypeError, ValueError), match=message):
        tasks.get(name, **parameters)


@pytest.mark.parametrize("row", SEQUENCES, ids=lambda row: row.name)
def test_a_batch_without_episodes_is_refused(row):
    with pytest.raises(ValueError, match="keys is empty; expected at least one"):
        row.make().episodes(np.zeros(0, np.int64), **row.training)


def test_too_many_repeats_are_refused():
    with pytest.raises(ValueError, match="repeats=10001 is out of range"):
        tasks.get("repeat_copy").episodes([1], length=1, repeats=10_001)


@pytest.mark.parametrize("module", [m.name for m in pkgutil.walk_packages(ntm_envs.__path__, "ntm_envs.")])
def test_the_examples_in_docstrings_are_correct(module):
    failed, _ = doctest.testmod(
        importlib.import_module(module),
        extraglobs={"np": np},
        optionflags=doctest.NORMALIZE_WHITESPACE,
    )
    assert failed == 0


@pytest.mark.parametrize("name", [row.name for row in SEQUENCES if not row.make().keyed_steps])
def test_buckets_are_the_batch_without_the_padding(name):
    task = tasks.get(name)
    sizes = {size: (low, min(low + 5, high)) for size, (low, high) in task.limits.items()}
    batch = task.episodes(np.arange(11), **sizes)
    parts = list(batch.buckets(4))
    assert sorted(key for part in parts for key in part.keys) == list(range(11))
    assert [len(part.keys) for part in parts] == [4, 4, 3]
    assert sum(part.inputs.shape[0] for part in parts) < 3 * batch.inputs.shape[0]
    for part in parts:
        again = task.episodes(part.keys, **part.sizes)
        for field in ("inputs", "targets", "mask", "steps"):
            np.testing.assert_array_equal(getattr(part, field), getattr(again, field))
    alike = task.episodes(np.arange(11), **{size: high for size, (_, high) in sizes.items()})
    assert list(alike.buckets(4)) == [alike]


@pytest.mark.parametrize("name", ["copy", "repeat_copy"])
def test_blank_zeroes_a_fraction_of_vectors_and_leaves_the_others_unchanged(name):
    plain, some = tasks.get(name), tasks.get(name, blank=0.25)
    sizes = dict.fromkeys(plain.limits, 2) | {"length": 50}
    expected, batch = (task.episodes(np.arange(40), **sizes) for task in (plain, some))
    vectors = batch.inputs[:50, :, :8]
    blank = ~vectors.any(2)
    assert 0.2 < blank.mean() < 0.3
    np.testing.assert_array_equal(vectors[~blank], expected.inputs[:50, :, :8][~blank])
    np.testing.assert_array_equal(batch.targets[51:101, :, :8], vectors)
    with pytest.raises(ValueError, match=r"blank is 1.5"):
        tasks.get(name, blank=1.5)


def test_near_misses_are_near_and_never_the_queried_item():
    task = tasks.get("associative_recall", near_misses=0.5)
    batch, rows = task.episodes(np.arange(400), items=5), np.arange(400)
    shown = batch.inputs[:20, :, :6].reshape(5, 4, 400, 6)[:, 1:].transpose(2, 0, 1, 3)  # (B, K, 3, 6)
    asked = batch.inputs[21:24, :, :6].transpose(1, 0, 2)
    different = (shown != asked[:, None]).sum((2, 3))
    assert ((different == 0).sum(1) == 1).all()
    near = (different[different > 0] <= 4).mean()
    assert 0.4 < near < 0.55
    queried = (different == 0).argmax(1)
    np.testing.assert_array_equal(batch.targets[25:].transpose(1, 0, 2), shown[rows, queried + 1])
    with pytest.raises(ValueError, match=r"near_misses is -1"):
        tasks.get("associative_recall", near_misses=-1)
