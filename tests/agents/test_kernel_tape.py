"""The compiled writes and moves of tapes: the results of the reference, for every shape and gradient."""

import pytest
import torch
from every_machine import INPUTS, OUTPUTS, data
from fused import assert_same, assert_steps_are_the_whole
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ntm_agents import TapeRNN
from ntm_agents.kernels.tape import write_and_move
from ntm_agents.protocol import mapped, tensors

CHANNELS = ("first", "second", "end")
OPTIONS = st.fixed_dictionaries(
    {
        "controller": st.sampled_from(["rnn", "lstm", "gru"]),
        "hidden_size": st.integers(1, 9),
        "memory_width": st.integers(1, 9),
        "tapes": st.integers(1, 3),
        "input_length": st.sampled_from([None, "end"]),
    }
)


def pair(dtype=torch.float64, **config):
    """Return one model with each kernel, all of whose parameters matter."""
    torch.manual_seed(0)
    models = [
        TapeRNN(INPUTS, OUTPUTS, input_channels=CHANNELS, kernel=kernel, **config).to(dtype)
        for kernel in ("reference", "fused")
    ]
    with torch.no_grad():
        for parameter in models[0].parameters():
            parameter += 0.3 * torch.randn_like(parameter)
    models[1].load_state_dict(models[0].state_dict())
    return models


def any_state(model, B, capacity):
    """Return a state of random numbers, with counts of steps that go beyond the tape."""
    random = torch.Generator().manual_seed(1)
    state = mapped(lambda part: torch.randn(part.shape, generator=random), model.initial_state(B, capacity))
    counts = tuple(torch.randint(0, high, (B,), generator=random) for high in (3 * capacity, 2))
    return mapped(
        lambda part: part.to(model.output.weight), state._replace(counts=counts[: len(state.counts)])
    )


def results(model, T, B, capacity):
    """Return all results of a model, and the gradients of everything that it depends on."""
    state = any_state(model, B, capacity)
    leaves = {**dict(tensors(state)), "inputs": data(T, B).to(model.output.weight)}
    for part in leaves.values():
        part.requires_grad_()
    logits, last = model(leaves["inputs"], state)
    random, found, loss = torch.Generator().manual_seed(2), {}, 0
    for name, part in {"logits": logits, **dict(tensors(last))}.items():
        found[name] = part.detach()
        loss = loss + (part * torch.randn(part.shape, generator=random).to(part)).sum()
    leaves |= dict(model.named_parameters())
    gradients = torch.autograd.grad(loss, list(leaves.values()), allow_unused=True)
    return found | {f"d {name}": g for name, g in zip(leaves, gradients, strict=True) if g is not None}


@settings(derandomize=True, deadline=None, max_examples=80)
@given(config=OPTIONS, T=st.integers(1, 12), B=st.integers(1, 5), capacity=st.integers(1, 40))
@example(config={"input_length": "end"}, T=5, B=3, capacity=1)
@example(config={"input_length": "end", "tapes": 2}, T=12, B=3, capacity=4)  # n is larger than the tape
@example(config={"input_length": "end", "jump_and_step": True, "tapes": 2}, T=12, B=3, capacity=20)
def test_it_is_the_reference_to_the_last_digits(config, T, B, capacity):
    reference, fused = pair(**config)
    assert_same(results(fused, T, B, capacity), results(reference, T, B, capacity), 1e-10 * T)


def test_it_is_the_reference_in_single_precision():
    reference, fused = pair(torch.float32, hidden_size=16, tapes=2, input_length="end")
    assert_same(results(fused, 6, 4, 32), results(reference, 6, 4, 32), 1e-3)


def test_steps_one_by_one_are_the_whole():
    _, model = pair(tapes=2, input_length="end")
    assert_steps_are_the_whole(model, data(20, 3), any_state(model, 3, 20))


def arguments(B=2, S=3, N=5, W=4, M=3, A=5, dtype=torch.float64):
    random = torch.Generator().manual_seed(0)
    shapes = ((B, S, N, W), (B, S, M), (B, S, A))
    parts = [torch.randn(shape, generator=random, dtype=dtype).requires_grad_() for shape in shapes]
    return [*parts, torch.randint(-3 * N, 3 * N, (B, A), generator=random)]


def by_one_at_a_time(cells, written, weights, distances):
    B, S, N, _ = cells.shape
    tape = cells.clone()
    tape[:, :, 0, : written.shape[2]] = written
    moved = torch.zeros_like(tape)
    for b in range(B):
        for s in range(S):
            for i in range(N):
                for a, distance in enumerate(distances[b].tolist()):
                    moved[b, s, i] = moved[b, s, i] + weights[b, s, a] * tape[b, s, (i + distance) % N]
    return moved, moved[:, :, 0, : written.shape[2]]


def test_any_distances_go_round_the_tape_and_gradients_are_right():
    *parts, distances = arguments()
    found, expected = write_and_move(*parts, distances), by_one_at_a_time(*parts, distances)
    for mine, theirs in zip(found, expected, strict=True):
        torch.testing.assert_close(mine, theirs, rtol=1e-12, atol=1e-12)
    assert torch.autograd.gradcheck(lambda *each: write_and_move(*each, distances), parts)
    for index in range(2):  # of which the other has no gradient
        assert torch.autograd.gradcheck(lambda *each, i=index: write_and_move(*each, distances)[i], parts)


def test_memory_layouts_make_no_difference_and_arguments_are_not_changed():
    whole = [part.detach() for part in arguments()]
    before = [part.clone() for part in whole]
    scattered = [part.transpose(0, 1).contiguous().transpose(0, 1) for part in whole]
    assert not any(part.is_contiguous() for part in scattered)
    for mine, theirs in zip(write_and_move(*scattered), write_and_move(*whole), strict=True):
        assert torch.equal(mine, theirs)
    assert all(torch.equal(part, was) for part, was in zip(whole, before, strict=True))


def test_a_tape_that_is_not_finite_leaves_the_others_alone():
    *parts, distances = arguments()
    with torch.no_grad():
        parts[0][1, 2, 3, 0] = float("nan")
        moved, _ = write_and_move(*parts, distances)
    finite = moved.isfinite().all(3).all(2)
    assert not finite[1, 2]
    assert finite.sum() == finite.numel() - 1


@pytest.mark.parametrize("index", range(4))
@pytest.mark.parametrize(
    "change",
    [
        lambda part: part.to(torch.float16),
        lambda part: part.to("meta"),
        lambda part: part.unsqueeze(0),
        lambda part: part[:1],
        lambda part: torch.cat((part, part[:1])),
        lambda part: part.repeat_interleave(2, 1),
    ],
)
def test_a_tensor_that_does_not_fit_is_refused(index, change):
    parts = arguments()
    parts[index] = change(parts[index])
    with pytest.raises(ValueError, match="expected"):
        write_and_move(*parts)


def test_more_than_a_cell_cannot_be_written():
    with pytest.raises(ValueError, match=r"written has shape \(2, 3, 5\); expected \(2, 3, 4\) or less"):
        write_and_move(*arguments(W=4, M=5))


def test_a_tape_without_cells_is_refused():
    with pytest.raises(ValueError, match=r"cells has shape \(2, 3, 0, 4\); expected at least one cell"):
        write_and_move(arguments()[0][:, :, :0], *arguments()[1:])


def test_second_derivatives_are_refused():
    *parts, distances = arguments()
    moved, _ = write_and_move(*parts, distances)
    with pytest.raises(RuntimeError, match="neither second derivatives"):
        torch.autograd.grad(moved.sum(), parts, create_graph=True)


def test_which_kernel_runs():
    assert TapeRNN(INPUTS, OUTPUTS).kernel == "fused"
    assert TapeRNN(INPUTS, OUTPUTS, kernel="reference").kernel == "reference"
    assert TapeRNN(INPUTS, OUTPUTS).to(torch.bfloat16).kernel == "reference"
    with pytest.raises(ValueError, match=r"kernel is 'fused', which does not apply: the model is .*bfloat16"):
        _ = TapeRNN(INPUTS, OUTPUTS, kernel="fused").to(torch.bfloat16).kernel
