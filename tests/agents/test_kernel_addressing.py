"""Parts of kernels that choose, read and write slots: the numbers and gradients of `addressing.py`."""

import numpy as np
import pytest
import torch
from numba import njit

from ntm_agents import addressing
from ntm_agents.kernels.content import Epsilons, compare, compare_backward, look_up, look_up_backward, norm
from ntm_agents.kernels.location import (
    interpolate,
    interpolate_backward,
    ring_start,
    sharpen,
    sharpen_backward,
    shift,
    shift_backward,
)
from ntm_agents.kernels.memory import read, read_backward, rewrite, write, write_backward
from ntm_agents.kernels.spans import find_span, move_span

N, M = 11, 5  # neither is a multiple of how many rows or slots go together


def drawn(*shape):
    return np.random.default_rng(sum(shape)).standard_normal(shape)


def distribution(*shape):
    weights = np.exp(drawn(*shape))
    return weights / weights.sum(-1, keepdims=True)


def leaf(array):
    """Return a batch of one, with a gradient."""
    return torch.from_numpy(array.copy())[None].requires_grad_()


def same(found, expected):
    np.testing.assert_allclose(found, expected.detach().numpy().reshape(found.shape), rtol=1e-10, atol=1e-13)


@njit
def _look_up(memory, keys, strengths, epsilons, dcontent, content, dmemory, dkeys, dstrengths):
    H, slots = content.shape
    width = len(memory)
    dots, norms, dnorms, dkey_norms = np.empty((H, slots)), np.empty(slots), np.zeros(slots), np.empty(H)
    compare(memory, keys, width, epsilons.inside, dots, norms)
    for h in range(H):
        key_norm = norm(keys[h * width : (h + 1) * width], epsilons.inside)
        look_up(dots[h], norms, key_norm, epsilons, strengths[h], content[h])
        dstrengths[h], dkey_norms[h] = look_up_backward(
            dots[h], norms, key_norm, epsilons, strengths[h], content[h], dcontent[h], dnorms
        )
    compare_backward(memory, keys, width, dcontent, dnorms, dkey_norms, dmemory, dkeys)


@pytest.mark.parametrize("heads", [2, 3])
def test_a_look_up_is_that_of_addressing(heads):
    memory, keys, strengths, gradient = drawn(M, N), drawn(heads, M), np.exp(drawn(heads)), drawn(heads, N)
    epsilons = Epsilons(addressing.TINY, 0.0, 0.1)
    content, dmemory, dkeys, dstrengths = (np.zeros_like(x) for x in (gradient, memory, keys, strengths))
    _look_up(
        memory,
        keys.ravel(),
        strengths,
        epsilons,
        gradient.copy(),
        content,
        dmemory,
        dkeys.ravel(),
        dstrengths,
    )

    given = leaf(memory.T), leaf(keys), leaf(strengths[:, None])
    expected = addressing.content_weighting(addressing.similarity(*given[:2], 0.1), given[2])
    expected.backward(torch.from_numpy(gradient)[None])
    same(content, expected)
    for found, tensor in zip((dmemory.T, dkeys, dstrengths), given, strict=True):
        same(found, tensor.grad)


@njit
def _move(content, previous, gate, moves, power, gradient, weighting, dcontent, dprevious, dmoves, dnumbers):
    slots, shifts = len(content), len(moves)
    left = ring_start(shifts)
    ring, dring = np.empty(slots + shifts - 1), np.empty(slots + shifts - 1)
    shifted, logs = np.empty(slots), np.empty(slots)
    interpolate(content, previous, gate, left, ring)
    shift(ring, moves, shifted, logs)
    sharpen(logs, power, weighting)
    dnumbers[1] = sharpen_backward(logs, shifted, power, weighting, gradient)
    shift_backward(ring, moves, gradient, dring, dmoves)
    dnumbers[0] = interpolate_backward(content, previous, gate, left, dring, dcontent, dprevious)


@pytest.mark.parametrize("shifts", [2, 3, 4, 11])
def test_interpolation_shift_and_sharpening_are_those_of_addressing(shifts):
    content, previous, moves, gradient = (
        distribution(N),
        distribution(2 * N)[:N],
        distribution(shifts),
        drawn(N),
    )
    numbers = np.array([0.3, 2.5])
    weighting, dcontent, dprevious, dmoves, dnumbers = (
        np.zeros_like(x) for x in (content, content, content, moves, numbers)
    )
    _move(
        *(content, previous, numbers[0], moves, numbers[1]),
        *(gradient.copy(), weighting, dcontent, dprevious, dmoves, dnumbers),
    )

    given = [leaf(x[None]) for x in (content, previous, moves)]
    gate, power = (leaf(np.array([[x]])) for x in numbers)
    gated = addressing.interpolate(given[0], given[1], gate)
    expected = addressing.sharpen(addressing.shift(gated, given[2]), power)
    expected.backward(torch.from_numpy(gradient)[None, None])
    same(weighting, expected)
    for found, tensor in zip((dcontent, dprevious, dmoves), given, strict=True):
        same(found, tensor.grad)
    same(dnumbers, torch.stack((gate.grad, power.grad)))


@njit
def _move_span(previous, moves, power, span, weighting):
    find_span(previous, 0, len(previous), span)
    first, behind = span[0] - len(moves) // 2, span[1] + ring_start(len(moves))
    move_span(previous, first, behind, moves, power, np.empty(len(previous)), weighting)
    find_span(weighting, first, behind, span)


@pytest.mark.parametrize("shifts", [2, 3, 4])
def test_a_span_moves_as_the_whole_weighting_does(shifts):
    previous, moves, weighting = np.zeros(N), distribution(shifts), np.full(N, np.nan)
    previous[4:7] = distribution(3)
    span = np.zeros(2, np.int64)
    _move_span(previous, moves, 1.5, span, weighting)
    shifted = addressing.shift(leaf(previous[None]), leaf(moves[None]))
    same(weighting, addressing.sharpen(shifted, torch.tensor(1.5)))
    assert span.tolist() == [4 - shifts // 2, 7 + shifts - 1 - shifts // 2]


@njit
def _access(memory, weighting, vectors, writers, dreads, reads, after, again, dmemory, dweighting, dvectors):
    rewrite(memory, weighting, vectors, writers, again)
    write(after, weighting, vectors, writers, 0, after.shape[1])
    for r in range(len(reads)):
        read(after, weighting[writers + r], 0, after.shape[1], reads[r])
        read_backward(after, weighting[writers + r], dreads[r], dmemory, dweighting[writers + r])
    kept = np.empty((writers, after.shape[1]))
    write_backward(memory, weighting, vectors, writers, dmemory, dweighting, dvectors, kept)


@pytest.mark.parametrize("writers", [1, 2, 3])
@pytest.mark.parametrize("erases", [False, True])
def test_write_and_read_are_those_of_addressing(writers, erases):
    memory, weighting, add, dreads = drawn(M, N), distribution(writers + 2, N), drawn(writers, M), drawn(2, M)
    erase = 1 / (1 + np.exp(-drawn(M, writers).T)) if erases else np.ones((writers, M))
    vectors = np.hstack((add, erase)) if erases else add
    after, again = memory.copy(), np.full_like(memory, np.nan)
    reads, dmemory, dweighting, dvectors = (np.zeros_like(x) for x in (dreads, memory, weighting, vectors))
    _access(
        *(memory, weighting, vectors.ravel(), writers, dreads),
        *(reads, after, again, dmemory, dweighting, dvectors.reshape(-1)),
    )

    given = leaf(memory.T), leaf(weighting), leaf(erase), leaf(add)
    written = addressing.write(given[0], given[1][:, :writers], *given[2:])
    expected = addressing.read(written, given[1][:, writers:])
    expected.backward(torch.from_numpy(dreads)[None])
    same(after.T, written)
    np.testing.assert_array_equal(again, after)
    same(reads, expected)
    same(dmemory.T, given[0].grad)
    same(dweighting, given[1].grad)
    same(dvectors[:, :M], given[3].grad)
    if erases:
        same(dvectors[:, M:], given[2].grad)
