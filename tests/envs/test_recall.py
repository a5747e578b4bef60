"""Key-value recall: properties, and a second definition."""

import numpy as np
import pytest
import slow_recall
from hypothesis import given, settings
from hypothesis import strategies as st

from ntm_envs import tasks
from ntm_envs.tasks.recall.key_value_recall import KeyValueRecall, power_law
from ntm_envs.tasks.recall.permutation import permuted

KEYS = st.integers(0, 2**63 - 1)


def uniform(counts):
    """Return whether classes are equally frequent within five standard errors."""
    expected = counts.sum() / len(counts)
    return (abs(counts - expected) < 5 * np.sqrt(expected)).all()


def read(batch, task):
    """Return the keys ``[T, B]`` as numbers, the values ``[T, B, bits]`` and the flags ``[T, B]``."""
    k = task.key_bits
    keys = (batch.inputs[:, :, :k] @ (2 ** np.arange(k))).astype(int)
    return keys, batch.inputs[:, :, k:-1], batch.inputs[:, :, -1] == 1


@given(st.data())
@settings(max_examples=40)
def test_key_value_recall_is_its_second_definition(data):
    bits = data.draw(st.integers(3, 20))
    gaps = data.draw(st.integers(0, 6))
    pairs = data.draw(st.integers(1, min(40, 2**bits - gaps)))
    key, queries = data.draw(KEYS), data.draw(st.integers(1, 12))
    task = KeyValueRecall(bits=data.draw(st.integers(1, 70)), key_bits=bits, queries=queries, gaps=gaps)
    batch = task.episodes([key], pairs=pairs)
    inputs, targets = slow_recall.key_value_recall(key, pairs, task)
    assert batch.inputs[:, 0].astype(int).tolist() == inputs
    assert batch.targets[batch.mask[:, 0], 0].tolist() == targets


@pytest.mark.parametrize("gaps", [0, 5])
def test_each_value_follows_from_its_pair_and_no_key_occurs_twice(gaps):
    task = KeyValueRecall(key_bits=6, gaps=gaps)
    batch = task.episodes(np.arange(300), pairs=(1, 32))
    keys, values, flags = read(batch, task)
    np.testing.assert_array_equal(flags, batch.mask)
    for b, pairs in enumerate(batch.sizes["pairs"]):
        pair = dict(zip(keys[:pairs, b], values[:pairs, b].tolist(), strict=True))
        assert len(pair) == pairs
        queried = keys[batch.mask[:, b], b]
        assert len(queried) == len(set(queried)) == min(pairs, 8)
        assert [pair[key] for key in queried] == batch.targets[batch.mask[:, b], b].tolist()
        fillers = keys[pairs : batch.steps[b], b][~flags[pairs : batch.steps[b], b]]
        assert len(fillers) == len(set(fillers)) == gaps
        assert not set(fillers) & pair.keys()
        assert not values[pairs:, b].any()


def test_every_pair_is_queried_equally_often_and_in_every_order():
    task = KeyValueRecall(queries=2)
    batch = task.episodes(np.arange(20_000), pairs=5)
    keys, _, _ = read(batch, task)
    first, second = ((keys[:5] == keys[at]).argmax(axis=0) for at in (5, 6))
    pair = np.bincount(first * 5 + second, minlength=25).reshape(5, 5)
    assert not pair.diagonal().any()
    assert uniform(pair[~np.eye(5, dtype=bool)])


def test_queries_are_among_fillers_as_the_power_law_places_them():
    batch = KeyValueRecall(queries=1, gaps=9).episodes(np.arange(20_000), pairs=2)
    seen = batch.mask[2:].sum(axis=1)
    expected = 20_000 * power_law(10) / power_law(10).sum()
    assert (abs(seen - expected) < 5 * np.sqrt(expected)).all()


def test_weights_of_the_power_law_do_not_depend_on_the_last_bits_of_powers():
    exact = 2.0**24 * np.arange(1, 2**20) ** -0.99
    assert (abs(exact - np.floor(exact) - 0.5) > 100 * np.spacing(exact)).all()


@pytest.mark.parametrize("bits", [1, 2, 3, 7, 12, 16])
def test_a_permutation_has_each_number_once(bits):
    numbers = np.sort(permuted(np.arange(20), 2**bits, bits), axis=1)
    assert (numbers == np.arange(2**bits)).all()


@pytest.mark.parametrize("bits", [2, 3, 4, 6])
@pytest.mark.parametrize("places", [(0, 1), (0, 2), (1, 2)])
def test_pairs_of_a_permutation_are_uniform(bits, places):
    numbers, size = permuted(np.arange(40_000), 3, bits).astype(int), 2**bits
    counts = np.bincount(numbers[:, places[0]] * size + numbers[:, places[1]], minlength=size * size)
    pairs = counts.reshape(size, size)
    assert not pairs.diagonal().any()
    assert uniform(pairs[~np.eye(size, dtype=bool)])


def test_65_536_pairs_can_be_asked_for():
    task = tasks.get("key_value_recall")
    batch = task.episodes([3], pairs=65_536)
    keys, values, _ = read(batch, task)
    assert len(set(keys[:65_536, 0])) == 65_536
    at = [(keys[:65_536, 0] == key).argmax() for key in keys[65_536:, 0]]
    np.testing.assert_array_equal(values[at, 0], batch.targets[65_536:, 0])


@pytest.mark.parametrize(
    ("parameters", "sizes", "message"),
    [
        ({"key_bits": 0}, {}, "key_bits is 0"),
        ({"key_bits": 25}, {}, "key_bits is 25"),
        ({"queries": 0}, {}, "queries is 0"),
        ({"gaps": -1}, {}, "gaps is -1"),
        ({"key_bits": 3, "gaps": 8}, {}, "gaps is 8; expected an integer from 0 to 7"),
        ({"key_bits": 3, "gaps": 2}, {"pairs": 7}, "expects 1 <= pairs <= 6"),
    ],
)
def test_more_keys_than_there_are_are_refused(parameters, sizes, message):
    with pytest.raises(ValueError, match=message):
        tasks.get("key_value_recall", **parameters).episodes([1], **sizes)
