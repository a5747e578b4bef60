"""Allocation, links and interface of the DNC: cases worked by hand, ranges, and known causes of NaN."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.autograd import gradcheck
from torch.testing import assert_close

from ntm_agents import addressing, allocation, sparse_links
from ntm_agents.interface import Interface, InterfaceConfig


def rows(*values, dtype=torch.float64):
    return torch.tensor(values, dtype=dtype)


def uniform(*shape, seed=0):
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def weightings(*shape, seed=0):
    """Return weightings with sums between 0 and 1."""
    drawn = uniform(*shape, seed=seed)
    return drawn * drawn[..., :1] / drawn.sum(-1, keepdim=True)


def finite_gradients(outputs, *inputs):
    return all(g.isfinite().all() for g in torch.autograd.grad(outputs.square().sum(), inputs))


# Usage and allocation.


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        ([0.0, 0.0, 0.0], [1.0, 0.0, 0.0]),  # the first of the free slots
        ([1.0, 1.0, 0.0], [0.0, 0.0, 1.0]),
        ([1.0, 1.0, 1.0], [0.0, 0.0, 0.0]),  # nothing is free
        ([0.5, 0.5], [0.5, 0.25]),  # what the first one does not take, in order
        ([0.75, 0.5, 1.0], [0.25 * 0.5, 0.5, 0.0]),
        ([0.9, 0.2, 0.6], [0.1 * 0.2 * 0.6, 0.8, 0.4 * 0.2]),
        ([0.3], [0.7]),
    ],
)
def test_allocation_goes_to_the_least_used_slots(usage, expected):
    assert_close(allocation.allocate(rows(usage)), rows(expected), rtol=0, atol=1e-5)


@given(st.integers(1, 4), st.integers(1, 12), st.integers(0, 999), st.sampled_from([0.0, 0.5, 1.0]))
def test_allocation_is_a_weighting_whose_sum_is_one_less_the_product_of_usages(B, N, seed, share):
    usage = uniform(B, N, seed=seed) * (uniform(B, N, seed=seed + 1) >= share)  # some are exactly zero
    found = allocation.allocate(usage)
    assert (found >= 0).all()
    assert_close(found.sum(1), 1 - (1e-6 + (1 - 1e-6) * usage).prod(1))


def test_many_free_slots_have_finite_allocations_and_gradients():
    for value in (0.0, 1e-3, 0.5, 1.0):  # products of 4096 usages underflow
        usage = torch.full((1, 4096), value, requires_grad=True)
        found = allocation.allocate(usage)
        assert found.isfinite().all()
        assert found.sum() <= 1 + 1e-6
        assert finite_gradients(found, usage)


def test_gradients_of_usage_and_allocation_are_right_where_no_slots_are_equally_used():
    def chosen(usage, writing, reading, gates):
        return allocation.allocate(allocation.use(usage, writing, allocation.retention(reading, gates)))

    arguments = uniform(2, 5), weightings(2, 5), weightings(2, 3, 5, seed=1), uniform(2, 3, 1)
    assert gradcheck(chosen, [argument.requires_grad_() for argument in arguments])


def test_an_open_free_gate_releases_what_was_read_and_a_closed_one_nothing():
    reading = rows([[1.0, 0.0, 0.5], [0.0, 0.0, 0.5]])
    kept = allocation.retention(reading, rows([[1.0], [1.0]]))
    assert_close(kept, rows([0.0, 1.0, 0.25]))
    assert_close(allocation.retention(reading, rows([[0.5], [0.0]])), rows([0.5, 1.0, 0.75]))
    assert_close(allocation.use(rows([0.5, 0.0, 1.0]), rows([0.5, 0.25, 1.0]), kept), rows([0.0, 0.25, 0.25]))


@given(st.integers(1, 9), st.integers(0, 999), st.sampled_from([torch.float32, torch.bfloat16]))
def test_usage_stays_between_0_and_1_for_any_type(N, seed, dtype):
    usage = torch.zeros(2, N, dtype=dtype)
    for t in range(50):  # of slots that are written again and again, rounding must not add up
        writing = uniform(2, N, seed=seed + t).softmax(1).to(dtype)
        usage = allocation.use(usage, writing, torch.ones_like(usage))
        assert (usage >= 0).all()
        assert (usage <= 1).all()
        assert (allocation.allocate(usage) >= 0).all()


# Links.


def test_links_lead_from_what_was_written_to_what_was_written_next():
    writes = [rows([1.0, 0.0, 0.0]), rows([0.0, 0.0, 1.0]), rows([0.0, 1.0, 0.0])]  # slots 0, 2, 1
    precedence, links = torch.zeros(1, 3).double(), torch.zeros(1, 3, 3).double()
    for writing in writes:
        links = allocation.link(links, precedence, writing)
        precedence = allocation.precede(precedence, writing)
    assert links.tolist() == [[[0, 0, 0], [0, 0, 1], [1, 0, 0]]]
    assert precedence.tolist() == [[0, 1, 0]]
    backward, forward = allocation.follow(links, rows([[0.0, 0.0, 1.0]]))
    assert (backward.tolist(), forward.tolist()) == ([[[1, 0, 0]]], [[[0, 1, 0]]])
    again = allocation.link(links, precedence, writes[1])  # slot 2 is written anew: its old links are gone
    assert again.tolist() == [[[0, 0, 0], [0, 0, 0], [0, 1, 0]]]


def test_half_a_write_keeps_half_of_what_was_there():
    precedence, writing = rows([0.5, 0.25]), rows([0.0, 0.5])
    links = torch.tensor([[[0.0, 0.125], [0.25, 0.0]]], dtype=torch.float64)
    assert allocation.precede(precedence, writing).tolist() == [[0.25, 0.625]]
    assert allocation.link(links, precedence, writing).tolist() == [[[0, 0.0625], [0.125 + 0.25, 0]]]


def test_sharpening_links_squares_and_normalises():
    weighting, power = rows([[0.6, 0.2, 0.0]]), rows([[2.0]])
    assert_close(allocation.sharpen_links(weighting, power), rows([[0.9, 0.1, 0.0]]), rtol=0, atol=1e-5)


@pytest.mark.parametrize("power", [1.0, 2.0, 1e6])
@pytest.mark.parametrize(
    "values", [[0.0, 0.0], [1e-30, 0.0], [-1e-9, 0.0], [1.0, 0.0], [0.5, 0.5], [1e-4] * 2]
)
def test_sharpening_links_is_finite_and_a_weighting_of_zeros_stays_one(values, power):
    weighting = torch.tensor([[values]], requires_grad=True)
    powers = torch.tensor([[[power]]], requires_grad=True)
    found = allocation.sharpen_links(weighting, powers)
    assert (found >= 0).all()
    assert found.sum() <= 1 + 1e-5
    assert max(values) > 1e-9 or found.max() < 1e-5
    assert finite_gradients(found, weighting, powers)


# Sparse links.


def sparse(N, K, writes):
    """Return values and columns after writes ``[B, N]``, and the dense links."""
    B = writes[0].shape[0]
    values, columns = torch.zeros(B, N, K).double(), torch.zeros(B, N, K, dtype=torch.int64)
    precedence, links = torch.zeros(B, N).double(), torch.zeros(B, N, N).double()
    for writing in writes:
        values, columns = sparse_links.link(values, columns, precedence, writing)
        links = allocation.link(links, precedence, writing)
        precedence = allocation.precede(precedence, writing)
    return values, columns, links


@given(st.integers(1, 9), st.integers(1, 9), st.integers(1, 20), st.integers(0, 999))
def test_sparse_links_have_each_column_once_in_a_row(N, K, T, seed):
    K = min(N, K)
    values, columns, _ = sparse(N, K, [weightings(2, N, seed=seed + t) for t in range(T)])
    used = torch.zeros(2, N, N).scatter_add(2, columns, (values != 0).float())
    assert used.max() <= 1
    assert (values >= -1e-12).all()
    assert (sparse_links.dense(values, columns).sum(2) <= 1 + 1e-9).all()


@given(st.integers(1, 9), st.integers(1, 20), st.integers(0, 999))
def test_sparse_links_of_all_slots_are_dense_links(N, T, seed):
    values, columns, links = sparse(N, N, [weightings(2, N, seed=seed + t) for t in range(T)])
    assert_close(sparse_links.dense(values, columns), links)
    reading = weightings(2, 3, N, seed=seed)
    for found, expected in zip(
        sparse_links.follow(values, columns, reading), allocation.follow(links, reading), strict=True
    ):
        assert_close(found, expected)


def test_one_entry_is_enough_for_sharp_writes():
    order = torch.randperm(9, generator=torch.Generator().manual_seed(0))
    writes = [torch.eye(9).double()[slot].unsqueeze(0) for slot in (*order, *order.flip(0))]
    values, columns, links = sparse(9, 1, writes)
    assert torch.equal(sparse_links.dense(values, columns), links)


# The interface: parameters are in their ranges, whatever the controller outputs.


@pytest.mark.parametrize("scale", [0.0, 1.0, 1e2, 1e4, 1e30])
def test_parameters_of_any_interface_vector_are_in_their_ranges(scale):
    config = InterfaceConfig(read_heads=2, memory_width=3, masking=True, link_sharpening=True)
    interface = Interface(4, config)
    size = interface.out_features
    vector = (scale * torch.randn(16, size, generator=torch.Generator().manual_seed(0))).requires_grad_()
    p = interface.parameters_of(vector)
    for part in (p.strengths, p.powers):
        assert (part >= 1).all()
    for part in (p.free_gates, p.allocation_gate, p.write_gate, p.erase):
        assert (part >= 0).all()
        assert (part <= 1).all()
    assert (p.masks >= 0.1 - 1e-6).all()
    assert (p.masks <= 1 + 1e-6).all()
    assert_close(p.modes.sum(2), torch.ones(16, 2))
    if scale <= 1e4:
        assert finite_gradients(torch.cat([part.flatten() for part in p]), vector)


def test_zeros_of_an_interface_vector_are_half_open_gates():
    config = InterfaceConfig(read_heads=1, memory_width=1, masking=True, link_sharpening=True)
    interface = Interface(1, config)
    p = interface.parameters_of(torch.zeros(1, interface.out_features))
    assert_close(p.strengths.flatten(), torch.full((2,), 1 + math.log(2)))
    assert_close(p.powers.flatten(), torch.full((2,), 1 + math.log(2)))
    assert_close(p.modes.flatten(), torch.full((3,), 1 / 3))
    assert_close(p.masks.flatten(), torch.full((2,), 0.55))
    for part in (p.free_gates, p.allocation_gate, p.write_gate, p.erase):
        assert part.item() == 0.5


# Masks.


def test_a_mask_of_ones_changes_nothing_and_one_of_zeros_hides_elements():
    memory, keys = uniform(2, 4, 3) - 0.5, uniform(2, 2, 3, seed=1) - 0.5
    plain = addressing.similarity(memory, keys, 1e-6)
    assert_close(addressing.similarity(memory, keys, 1e-6, torch.ones_like(keys)), plain)
    assert_close(
        addressing.similarity(memory, keys, 0.0, torch.full_like(keys, 0.1)), plain, rtol=1e-4, atol=0
    )
    mask = rows([[1.0, 1.0, 0.0]] * 2).expand(2, -1, -1)
    seen = addressing.similarity(memory[..., :2], keys[..., :2], 1e-6)
    assert_close(addressing.similarity(memory, keys, 1e-6, mask), seen)


@pytest.mark.parametrize("epsilon", [0.0, 1e-6])
def test_an_empty_memory_has_similarity_0_and_finite_gradients_with_masks_too(epsilon):
    memory, keys = torch.zeros(1, 3, 2, requires_grad=True), torch.zeros(1, 2, 2, requires_grad=True)
    masks = torch.full((1, 2, 2), 0.1, requires_grad=True)
    found = addressing.similarity(memory, keys, epsilon, masks)
    assert not found.any()
    (found.sum() + found.square().sum()).backward()
    assert all(part.grad.isfinite().all() for part in (memory, keys, masks))
