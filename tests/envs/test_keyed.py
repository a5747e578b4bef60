"""Keyed random numbers: agreement with a reference, and independence of words."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ntm_envs import keyed


def reference_word(key: int, domain: int, i: int) -> int:
    """SplitMix64's finaliser in plain Python integers."""

    def mix(x: int) -> int:
        x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9 % 2**64
        x = (x ^ (x >> 27)) * 0x94D049BB133111EB % 2**64
        return x ^ (x >> 31)

    return mix((mix(key ^ domain) + i * 0x9E3779B97F4A7C15) % 2**64)


@given(st.lists(st.integers(0, 2**63 - 1), min_size=1, max_size=5), st.integers(0, 3), st.integers(0, 2**40))
def test_words_equal_a_reference_in_plain_integers(keys, count, start):
    words = keyed.words(keyed.as_keys(keys), keyed.DATA, count, start)
    expected = [[reference_word(k, int(keyed.DATA), start + i) for i in range(count)] for k in keys]
    assert words.tolist() == expected


def test_neighbouring_keys_share_no_word():
    words = keyed.words(np.arange(10_000), keyed.DATA, 20)
    assert len(np.unique(words)) == words.size


def test_domains_share_no_word():
    domains = (keyed.SIZES, keyed.DATA, keyed.STREAM)
    words = np.concatenate([keyed.words(np.arange(1000), domain, 20) for domain in domains])
    assert len(np.unique(words)) == words.size


def test_streams_have_different_keys_of_63_bits():
    streams = np.repeat(np.arange(100), 100)
    keys = keyed.stream_keys(streams, np.tile(np.arange(100), 100))
    assert len(np.unique(keys)) == 10_000
    assert keys.dtype == np.int64
    assert keys.min() >= 0


def test_below_covers_its_range_evenly():
    values = keyed.below(keyed.words(np.arange(70_000), keyed.SIZES, 1)[:, 0], 7)
    counts = np.bincount(values, minlength=7)
    assert len(counts) == 7
    assert np.abs(counts - 10_000).max() < 5 * np.sqrt(10_000)


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int32, np.uint64])
def test_keys_may_have_any_integer_dtype(dtype):
    assert keyed.as_keys(np.array([1, 2], dtype)).tolist() == [1, 2]


@pytest.mark.parametrize(
    ("keys", "error", "message"),
    [
        ([-1], ValueError, "-1 is out of range"),
        ([2**63], ValueError, f"{2**63} is out of range"),
        ([2**70], ValueError, f"{2**70} is out of range"),
        (np.array([2**63], np.uint64), ValueError, "out of range"),
        ([1.0], TypeError, "float64"),
        ([True], TypeError, "bool"),
        (["1"], TypeError, "expected integers"),
        ([[1]], ValueError, "one dimension"),
    ],
)
def test_bad_keys_are_refused(keys, error, message):
    with pytest.raises(error, match=message):
        keyed.as_keys(keys)
