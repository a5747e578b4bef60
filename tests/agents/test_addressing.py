"""Addressing: invariants, cases worked by hand, and gradients."""

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.autograd import gradcheck

from ntm_agents import addressing

shapes = st.tuples(st.integers(1, 3), st.integers(1, 3), st.integers(2, 9), st.integers(1, 5))  # B, H, N, M
scales = st.sampled_from([0.0, 1e-6, 1.0, 100.0])


def normal(*shape, scale=1.0, seed=0):
    return scale * torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def weightings(*shape, scale=1.0, seed=0):
    return normal(*shape, scale=scale, seed=seed).softmax(-1)


def assert_distributions(weighting):
    assert (weighting >= 0).all()
    torch.testing.assert_close(weighting.sum(-1), torch.ones_like(weighting[..., 0]))


@settings(derandomize=True, deadline=None, max_examples=50)
@given(shapes, scales, scales, st.integers(0, 999))
def test_every_step_of_addressing_gives_distributions(shape, scale, strength, seed):
    B, H, N, M = shape
    memory, keys = normal(B, N, M, scale=scale, seed=seed), normal(B, H, M, seed=seed + 1)
    similarities = addressing.similarity(memory, keys, 1e-8)
    assert (similarities.abs() <= 1 + 1e-9).all()
    content = addressing.content_weighting(similarities, normal(B, H, 1, scale=strength).abs())
    gated = addressing.interpolate(content, weightings(B, H, N, scale=scale), weightings(B, H, 2)[..., :1])
    S = 2 + seed % (N - 1)
    shifted = addressing.shift(gated, weightings(B, H, S, scale=scale, seed=seed))
    sharpened = addressing.sharpen(shifted, 1 + normal(B, H, 1, scale=scale, seed=seed).abs())
    for weighting in (content, gated, shifted, sharpened):
        assert_distributions(weighting)


def test_similarity_is_the_cosine():
    memory = torch.tensor([[[3.0, 4.0], [-2.0, 0.0], [0.0, 5.0], [0.0, 0.0]]])
    similarities = addressing.similarity(memory, torch.tensor([[[2.0, 0.0]]]), 1e-12)
    torch.testing.assert_close(similarities, torch.tensor([[[0.6, -1.0, 0.0, 0.0]]]))


def test_epsilon_is_added_to_the_product_of_the_norms():
    similarities = addressing.similarity(torch.tensor([[[3.0, 4.0]]]), torch.tensor([[[2.0, 0.0]]]), 0.5)
    assert similarities.item() == pytest.approx(6 / (2 * 5 + 0.5))


def test_content_weighting_finds_slots_in_use_alone():
    similarities = torch.tensor([[[0.9, 0.1, 0.1, 1.0]], [[0.9, 0.1, 0.1, 1.0]]], requires_grad=True)
    used = torch.tensor([[False, True, True, False], [False, False, False, False]])
    weighting = addressing.content_weighting(similarities, torch.full((2, 1, 1), 9.0), used)
    assert weighting.tolist() == [[[0.0, 0.5, 0.5, 0.0]], [[0.0, 0.0, 0.0, 0.0]]]
    gradient = torch.autograd.grad(weighting[:, 0, 1].sum(), similarities)[0]
    torch.testing.assert_close(gradient[0, 0], torch.tensor([0.0, 2.25, -2.25, 0.0]))
    assert not gradient[1].any()


def test_content_weighting_without_strength_is_uniform_and_with_much_strength_picks_the_best():
    similarities = torch.tensor([[[0.1, 0.9, -1.0], [0.1, 0.9, -1.0]]])
    weighting = addressing.content_weighting(similarities, torch.tensor([[[0.0], [1000.0]]]))
    torch.testing.assert_close(weighting, torch.tensor([[[1 / 3, 1 / 3, 1 / 3], [0.0, 1.0, 0.0]]]))


def test_gate_chooses_between_content_and_previous_weighting():
    content, previous = torch.tensor([[[1.0, 0.0]] * 3]), torch.tensor([[[0.0, 1.0]] * 3])
    gated = addressing.interpolate(content, previous, torch.tensor([[[1.0], [0.0], [0.25]]]))
    assert gated.tolist() == [[[1.0, 0.0], [0.0, 1.0], [0.25, 0.75]]]


@pytest.mark.parametrize(("N", "S"), [(2, 2), (5, 2), (5, 3), (5, 4), (5, 5), (8, 3)])
def test_shift_is_the_papers_sum(N, S):
    weighting, shifts = weightings(2, 3, N), weightings(2, 3, S, seed=1)
    expected = np.zeros((2, 3, N))
    for b, h, i, j in itertools.product(range(2), range(3), range(N), range(S)):
        expected[b, h, (i + j - S // 2) % N] += weighting[b, h, i] * shifts[b, h, j]
    np.testing.assert_allclose(addressing.shift(weighting, shifts), expected, rtol=1e-12)


def test_shift_goes_round_both_ends():
    ends = torch.tensor([[[1.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 1.0]]])
    back_and_on = torch.tensor([[[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]])
    assert addressing.shift(ends, back_and_on).tolist() == [[[0.0, 0.0, 0.0, 1.0], [1.0, 0.0, 0.0, 0.0]]]


def test_sharpening_by_one_changes_nothing_and_by_two_squares():
    weighting = torch.tensor([[[0.2, 0.8], [0.2, 0.8]]])
    sharpened = addressing.sharpen(weighting, torch.tensor([[[1.0], [2.0]]]))
    torch.testing.assert_close(sharpened, torch.tensor([[[0.2, 0.8], [0.04 / 0.68, 0.64 / 0.68]]]))


@pytest.mark.parametrize("sharpening", [1.0, 50.0, 1e6])
@pytest.mark.parametrize("weighting", [[1.0, 0.0, 0.0], [0.5, 0.5, 0.0], [1 / 3, 1 / 3, 1 / 3]])
def test_sharpening_does_not_underflow_and_its_gradient_is_finite(weighting, sharpening):
    inputs = torch.tensor([[weighting]], requires_grad=True)
    power = torch.tensor([[[sharpening]]], requires_grad=True)
    sharpened = addressing.sharpen(inputs, power)
    torch.testing.assert_close(sharpened.detach(), inputs.detach())
    sharpened.square().sum().backward()
    assert inputs.grad.isfinite().all()
    assert power.grad.isfinite().all()


def test_read_mixes_slots():
    memory = torch.tensor([[[1.0, 2.0], [3.0, 4.0]]])
    assert addressing.read(memory, torch.tensor([[[0.0, 1.0], [0.5, 0.5]]])).tolist() == [
        [[3.0, 4.0], [2.0, 3.0]]
    ]


def test_write_erases_then_adds():
    memory = torch.tensor([[[1.0, 2.0], [3.0, 4.0]]])
    erase, add = torch.tensor([[[1.0, 0.0]]]), torch.tensor([[[5.0, 7.0]]])
    after = addressing.write(memory, torch.tensor([[[1.0, 0.5]]]), erase, add)
    assert after.tolist() == [[[5.0, 9.0], [1.5 + 2.5, 4.0 + 3.5]]]


@pytest.mark.parametrize("W", [1, 2, 3])
def test_write_is_the_papers_two_equations(W):
    B, N, M = 2, 4, 3
    memory, weighting, add = normal(B, N, M), weightings(B, W, N), normal(B, W, M, seed=2)
    erase = normal(B, W, M, seed=1).sigmoid()
    expected = memory.numpy().copy()
    for b, w, n, m in itertools.product(range(B), range(W), range(N), range(M)):
        expected[b, n, m] *= 1 - weighting[b, w, n] * erase[b, w, m]
    for b, w, n, m in itertools.product(range(B), range(W), range(N), range(M)):
        expected[b, n, m] += weighting[b, w, n] * add[b, w, m]
    np.testing.assert_allclose(addressing.write(memory, weighting, erase, add), expected, rtol=1e-12)


def test_jump_moves_a_share_to_the_first_slot():
    weighting = torch.tensor([[[0.25, 0.25, 0.5], [0.0, 0.0, 1.0]]])
    jumped = addressing.jump(weighting, torch.tensor([[0.5, 1.0]]))
    assert jumped.tolist() == [[[0.625, 0.125, 0.25], [1.0, 0.0, 0.0]]]
    assert torch.equal(addressing.jump(weighting, torch.zeros(1, 2)), weighting)


def test_gradients_of_choosing_are_right():
    def choose(memory, keys, strengths, previous, gates, shifts, sharpening):
        similarities = addressing.similarity(memory, keys, 1e-3)
        content = addressing.content_weighting(similarities, strengths)
        shifted = addressing.shift(addressing.interpolate(content, previous, gates), shifts)
        return addressing.sharpen(shifted, sharpening)

    arguments = (
        normal(2, 4, 3),
        normal(2, 2, 3),
        normal(2, 2, 1).abs(),
        weightings(2, 2, 4),
        normal(2, 2, 1).sigmoid(),
        weightings(2, 2, 3),
        1 + normal(2, 2, 1).abs(),
    )
    assert gradcheck(choose, [argument.requires_grad_() for argument in arguments])


@pytest.mark.parametrize("W", [1, 2])
def test_gradients_of_writing_and_reading_are_right(W):
    def write_and_read(memory, weighting, erase, add, reading):
        return addressing.read(addressing.write(memory, weighting, erase, add), reading)

    arguments = (
        normal(2, 4, 3),
        weightings(2, W, 4),
        normal(2, W, 3).sigmoid(),
        normal(2, W, 3),
        weightings(2, 2, 4, seed=1),
    )
    assert gradcheck(write_and_read, [argument.requires_grad_() for argument in arguments])


@pytest.mark.parametrize("epsilon", [0.0, 1e-8])
def test_empty_slots_and_keys_give_finite_gradients(epsilon):
    memory, keys = torch.zeros(1, 3, 2, requires_grad=True), torch.zeros(1, 1, 2, requires_grad=True)
    addressing.similarity(memory, keys, epsilon).sum().backward()
    assert memory.grad.isfinite().all()
    assert keys.grad.isfinite().all()
