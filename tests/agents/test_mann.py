"""The MANN: its equations, its invariants, and its options. Generic tests are in `test_every_machine.py`."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from mann_in_loops import INPUTS, OUTPUTS, any_state, make, reference
from torch.testing import assert_close

from ntm_agents import MANN
from ntm_agents.machines.mann import least


@given(
    st.integers(0, 999),
    st.integers(1, 4),
    st.integers(1, 5),
    st.integers(0, 4),
    st.fixed_dictionaries(
        {
            "order": st.sampled_from(["write_first", "read_first"]),
            "key_strength": st.booleans(),
            "delayed_output": st.booleans(),
            "controller": st.sampled_from(["feedforward", "lstm"]),
        }
    ),
)
@settings(max_examples=30)
def test_it_computes_the_equations_of_the_paper(seed, heads, T, more, options):
    heads += heads % 2 if options["delayed_output"] else 0
    model = make(seed, read_heads=heads, usage_decay=0.9, **options)
    start = any_state(model, 2, heads + more, seed)
    inputs = torch.randn(T, 2, INPUTS, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    with torch.no_grad():
        logits, state = model(inputs, start)
    for b in range(2):
        own = [part[b].numpy() for part in start[:4]] + [tuple(part[b].numpy() for part in start.controller)]
        expected, *parts = reference(model, inputs[:, b].numpy(), own)
        np.testing.assert_allclose(logits[:, b], expected, rtol=1e-8, atol=1e-10)
        for part, wanted in zip((state.memory, state.weightings, state.usage), parts, strict=True):
            np.testing.assert_allclose(part[b], wanted, rtol=1e-8, atol=1e-10)


def test_heads_write_to_the_least_used_slots_or_to_those_that_they_read_last():
    inputs = torch.randn(1, 3, INPUTS, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    for bias, to in ((-50.0, "least"), (50.0, "last")):
        model = make(order="read_first")
        with torch.no_grad():
            model.heads.weight.zero_()
            model.heads.bias.view(2, -1)[:, 3] = bias
            start = any_state(model, 3, 6)
            _, state = model(inputs, start)
        expected = least(start.usage, 2) if to == "least" else start.weightings[:, 2:]
        assert_close(state.weightings[:, :2], expected, rtol=0, atol=1e-10)


def test_least_used_slots_are_emptied_first():
    """A head that writes to what it read last leaves zeros in the slots that were used least."""
    model = make(order="read_first")
    with torch.no_grad():
        model.heads.weight.zero_()
        model.heads.bias.view(2, -1)[:, 3] = 50.0
        start = any_state(model, 1, 5)
        zero = least(start.usage, 2).sum(1).bool()
        start = start._replace(weightings=start.weightings * ~zero.unsqueeze(1))
        _, state = model(torch.ones(1, 1, INPUTS, dtype=torch.float64), start)
    assert start.memory[zero].abs().min() > 0
    assert state.memory[zero].abs().max() < 1e-10


def test_least_used_slots_are_one_for_each_head_and_ties_go_to_the_lowest():
    usage = torch.tensor([[0.3, 0.0, 0.2, 0.0], [0.0, 0.0, 0.0, 0.0]])
    assert least(usage, 3).argmax(2).tolist() == [[1, 3, 2], [0, 1, 2]]
    assert (least(usage, 3).sum(2) == 1).all()


@pytest.mark.parametrize("order", ["write_first", "read_first"])
def test_weightings_are_distributions_and_usage_is_bounded(order):
    model = make(order=order, usage_decay=0.5)
    inputs = torch.randn(50, 4, INPUTS, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        state = model.initial_state(4, 8)
        for each in inputs.split(1):
            before = state.weightings[:, 2:].sum(2)
            _, state = model(each, state)
            writing, reading = state.weightings.chunk(2, 1)
            assert (state.weightings >= 0).all()
            assert_close(reading.sum(2), torch.ones_like(reading[:, :, 0]))
            assert (writing.sum(2) <= 1 + 1e-12).all()
            if before.min() > 0.999:
                assert_close(writing.sum(2), torch.ones_like(before))
            assert (state.usage.sum(1) <= 2 * 4 / (1 - 0.5)).all()  # of four weightings a step


def test_a_head_that_writes_first_finds_its_own_key():
    """With a strong key, the slot that was written in the same step has all of the read weighting."""
    reads = {}
    for order in ("write_first", "read_first"):
        model = make(read_heads=1, order=order, key_strength=True, strength_bias=100.0)
        with torch.no_grad():
            model.heads.weight.zero_()
            model.heads.bias[:3], model.heads.bias[3] = 1.0, -50.0
            _, state = model(torch.ones(1, 1, INPUTS, dtype=torch.float64), model.initial_state(1, 4))
        reads[order] = state.weightings[0, 1]
    assert reads["write_first"][0] > 0.999
    assert_close(reads["read_first"], torch.full_like(reads["read_first"], 0.25))


@pytest.mark.parametrize("controller", ["feedforward", "lstm", "gru"])
def test_with_delayed_output_the_second_half_begins_by_writing_what_the_first_looked_for(controller):
    """Apart from what heads see of the other step, keys of one half are those of the other, a step later."""
    torch.manual_seed(0)
    options = {"hidden_size": 4, "read_heads": 2, "gate_bias": -50.0, "delayed_output": True}
    model = MANN(INPUTS, OUTPUTS, controller=controller, **options)
    now, before = model.heads.weight.view(2, -1, 2, 4).unbind(2)
    assert_close(now[0], before[1], rtol=0, atol=0)
    assert before[0].abs().max() < now[0].abs().max()
    with torch.no_grad():
        before[0], now[1] = 0, 0
        _, first = model(torch.ones(1, 1, INPUTS), model.initial_state(1, 8))
        _, second = model(torch.ones(1, 1, INPUTS), first)
    assert_close(second.memory[0, 3], first.memory[0, 0], rtol=0, atol=1e-6)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"read_heads": 0}, "read_heads is 0"),
        ({"memory_slots": 3, "read_heads": 4}, "memory_slots is 3; expected an integer of at least 4"),
        ({"read_heads": 3, "delayed_output": True}, "read_heads is 3; expected an even number"),
        ({"usage_decay": 1.5}, "usage_decay is 1.5; expected a finite number from 0 to 1"),
        ({"order": "both"}, "order is 'both'"),
    ],
)
def test_impossible_options_are_named(options, message):
    with pytest.raises(ValueError, match=message):
        MANN(INPUTS, OUTPUTS, **options)


@pytest.mark.parametrize(("slots_per_step", "written"), [(1, 5), (2, 10), (3, 10)])
def test_with_a_slot_for_each_head_at_each_step_nothing_is_overwritten(slots_per_step, written):
    model = make(read_heads=2, gate_bias=-60.0, slots_per_step=slots_per_step)
    inputs = torch.randn(5, 1, INPUTS, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    _, state = model(inputs, model.initial_state(1, 5))
    assert state.memory.shape[1] == 5 * slots_per_step
    assert (state.memory.abs().sum(2) > 1e-3).sum() == written


def test_a_state_with_fewer_slots_than_heads_is_refused():
    model = make(read_heads=2)
    state = make(read_heads=2, memory_slots=2).initial_state(1, 8)
    small = state._replace(memory=state.memory[:, :1], weightings=state.weightings[:, :, :1])
    with pytest.raises(ValueError, match="has 1 slots; expected at least 2, one for each head"):
        model(torch.ones(1, 1, INPUTS, dtype=torch.float64), small._replace(usage=state.usage[:, :1]))
