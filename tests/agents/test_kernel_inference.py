"""The fused kernel of the NTM without gradients: cuts and spans change no result."""

import numpy as np
import pytest
import torch
from fused import EXTRAS, INPUTS, OPTIONS, assert_same, pair, tensors
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from ntm_agents import NTM, memory_machine
from ntm_agents.kernels import cut
from ntm_agents.kernels.ntm import inference
from ntm_envs import tasks


@pytest.fixture
def short(monkeypatch):
    """Make cuts often and leave few slots, so that small machines have them."""
    monkeypatch.setattr(inference, "STEPS", 4)
    monkeypatch.setattr(inference, "FEW", 0)
    monkeypatch.setattr(cut, "MULTIPLE", 1)
    monkeypatch.setattr(memory_machine, "STEPS", 11)
    monkeypatch.setattr(memory_machine, "NUMBERS", 0)


@pytest.fixture
def widths(monkeypatch):
    """Return the numbers of slots, and of steps with weightings, at each call of the kernel."""
    found, forward = [], inference.forward

    def spy(settings, weights, scratch, tiles, stand, memory, trail, counter):
        found.append((memory.shape[2], len(trail.weightings)))
        forward(settings, weights, scratch, tiles, stand, memory, trail, counter)

    monkeypatch.setattr(inference, "forward", spy)
    return found


def without_gradients(model, T, B, capacity, at_a_time=None):
    """Return the results of a model from its initial state without gradients, so many steps at a time."""
    dtype = model.output.weight.dtype
    inputs = torch.randn((T, B, INPUTS), generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    with torch.inference_mode():
        state, logits = model.initial_state(B, capacity), []
        for part in inputs.to(dtype).split(at_a_time or T):
            some, state = model(part, state)
            logits.append(some)
    return {"logits": torch.cat(logits), **dict(tensors(state))}


# Heads that stay sharp, and rows that are alike at first.
SHARP = st.fixed_dictionaries(
    {
        "gate_bias": st.sampled_from([-6.0, -60.0]),  # almost closed, and closed
        "sharpening_bias": st.sampled_from([5.0, 30.0]),
        "memory_init": st.sampled_from(["constant", "learned"]),
        "head_init": st.sampled_from(["first", "learned"]),
    }
)


@pytest.mark.usefixtures("short")
@settings(
    derandomize=True,
    deadline=None,
    max_examples=100,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    config=st.builds(
        lambda *parts: {k: v for part in parts for k, v in part.items()}, OPTIONS, EXTRAS, SHARP
    ),
    T=st.integers(1, 40),
    B=st.integers(1, 20),
    capacity=st.integers(1, 200),
)
@example(config={"shift_bias": (9.0, 0.0, 0.0)}, T=40, B=3, capacity=64)  # backwards, over the wrap-around
@example(config={"shift_bias": (0.0, 0.0, 9.0), "gate_bias": -9.0}, T=40, B=3, capacity=20)  # once round
@example(config={"jump": True, "jump_bias": 0.0, "gate_bias": -9.0}, T=40, B=3, capacity=64)
def test_without_gradients_it_is_the_reference(config, T, B, capacity):
    reference, fused = pair(disturbance=0.1, **config)
    expected = without_gradients(reference, T, B, capacity)
    # Sharpening by 31 multiplies rounding: where inputs change by 1e-15, the reference may by 4e-10.
    assert_same(without_gradients(fused, T, B, capacity), expected, 1e-10 * T)
    assert_same(without_gradients(fused, T, B, capacity, at_a_time=1), expected, 1e-10 * T)


@pytest.mark.usefixtures("short")
@pytest.mark.parametrize("moves", [(9.0, 0.0, 0.0), (3.0, 0.0, 9.0), (0.0, 0.0, 0.0, 0.0, 9.0)])
@pytest.mark.parametrize("order", ["write_first", "read_first"])
@pytest.mark.parametrize("writers", [1, 3])
@pytest.mark.parametrize("extra", [{}, {"followers": 1}, {"jump": True, "jump_bias": -2.0}])
def test_closed_gates_leave_heads_a_few_slots(moves, order, writers, extra):
    """All rows differ, so nothing is cut; heads go over the wrap-around, blurred and sharp."""
    config = {"gate_bias": (-60.0,) * (writers - 1) + (-60.0, -60.0, 0.0), "sharpening_bias": 9.0}
    config |= {"write_heads": writers, "read_heads": 2, "shift_width": len(moves), "shift_bias": moves}
    reference, fused = pair(disturbance=0.1, order=order, memory_init="random", **config, **extra)
    expected = without_gradients(reference, 60, 3, 40)
    weightings = expected["weightings"]
    assert_same(without_gradients(fused, 60, 3, 40), expected, 1e-10)
    if not extra:
        assert (weightings[:, :-1] < 1e-20).double().mean() > 0.5


@pytest.mark.parametrize("moves", [(9.0, 0.0, 0.0), (0.0, 0.0, 9.0), (0.0, 9.0, 0.0)])
def test_slots_that_are_alike_are_cut(moves, widths):
    _, fused = pair(torch.float32, 0.1, gate_bias=-9.0, sharpening_bias=9.0, shift_bias=moves * 2)
    without_gradients(fused, 300, 3, 1024)
    slots, kept = zip(*widths, strict=True)
    assert slots[0] == 128  # 32 steps, each of which moves the ends of what is not alike by one
    assert max(slots) < 1024
    assert set(kept) == {2}  # whatever T is


@pytest.mark.parametrize("name", ["copy", "priority_sort"])
def test_a_trained_machine_is_as_right_as_step_by_step(name, widths):
    """One that sorts decides between numbers that are almost the same, so rounding is seen."""
    model, task, (sizes, *_) = NTM.from_pretrained(name), tasks.get(name), tasks.spec(name).rungs
    inputs = torch.from_numpy(task.episodes(range(8), **sizes).inputs)

    def answers(inputs, at_a_time):
        state, logits = model.initial_state(8, 512), []
        for x in inputs.split(at_a_time):
            some, state = model(x, state)
            logits.append(some)
        return torch.cat(logits).double()

    with torch.inference_mode():
        whole = answers(inputs, len(inputs))
        assert min(widths)[0] < 256
        stepped = answers(inputs, 1)
        model.double()
        right = answers(inputs.double(), 1)
    assert ((whole > 0) == (right > 0)).all()
    assert (whole - right).abs().mean() < 2 * (stepped - right).abs().mean()


def test_rows_that_differ_are_not_cut(widths):
    _, fused = pair(torch.float32, memory_init="position")
    without_gradients(fused, 64, 2, 256)
    assert {slots for slots, _ in widths} == {256}


@settings(derandomize=True, deadline=None, max_examples=200)
@given(
    slots=st.integers(2, 60),
    ends=st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)), min_size=1, max_size=3),
    behind=st.integers(0, 4),
    before=st.integers(0, 4),
    more=st.integers(0, 60),
)
def test_a_cut_takes_from_the_middle_of_a_run(slots, ends, behind, before, more):
    """All slots equal those that they stand for, and come back; the ends of a run are kept."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cut, "MULTIPLE", 1)
        rows = np.tile(np.arange(slots, dtype=np.float32), (len(ends), 3, 1))
        for b, (first, end) in enumerate(ends):
            rows[b, :, first:end] = -1
        memory, weightings = rows[:, :2].copy(), rows[:, 2:].copy()
        whole = cut.Cut.none(len(ends), slots)
        made = whole.best(memory, weightings, behind, before)
        short = whole.change(made, memory)
        np.testing.assert_array_equal(made.change(whole, short), memory)
        lengths = [max(1, min(end, slots) - max(first, 1)) for first, end in ends]
        expected = max(0, min(lengths) - behind - before - 1)
        assert made.count == (expected if slots - expected <= cut.WORTH * slots else 0)
        if made.count:
            for b in range(len(ends)):
                around = short[b, 0, made.rest[b] - behind : made.rest[b] + before + 1]
                assert len(around) == behind + before + 1
                assert (around == -1).all()
                assert made.rest[b] - behind >= 1  # slot 0 is never in it
        # It grows again where other slots have become like those that were cut.
        rows[..., 1 : more + 1] = -1
        for b, (first, end) in enumerate(ends):
            rows[b, :, first:end] = -1
        short = whole.change(made, rows)
        again = made.best(short[:, :2].copy(), short[:, 2:].copy(), behind, before)
        assert again.count == whole.best(rows[:, :2].copy(), rows[:, 2:].copy(), behind, before).count
        np.testing.assert_array_equal(again.change(whole, made.change(again, short)), rows)


def test_nan_equals_no_slot():
    memory = np.ones((1, 2, 300), np.float32)
    memory[0, 1, 150] = np.nan
    whole = cut.Cut.none(1, 300)
    made = whole.best(memory, np.ones((1, 1, 300), np.float32), 0, 0)
    np.testing.assert_array_equal(made.change(whole, whole.change(made, memory)), memory)
