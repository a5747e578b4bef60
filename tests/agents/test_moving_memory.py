"""Stack-RNN and Tape-RNN: their equations once more in NumPy, one number at a time, and cases by hand."""

from functools import partial

import numpy as np
import pytest
import torch
from every_machine import INPUTS, OUTPUTS, Whole, data
from torch.autograd import gradcheck

from ntm_agents import TABLE, StackRNN, TapeRNN
from ntm_agents.machines.stack_rnn import STEPS
from ntm_agents.protocol import build, tensors
from ntm_agents.testing import check_model
from ntm_envs import tasks

CHANNELS = ("first", "second", "end")
Jumping = partial(TapeRNN, input_channels=CHANNELS, input_length="end")
VARIANTS = {
    "stack": (StackRNN, {}),
    "stacks": (StackRNN, {"stacks": 2, "num_layers": 2}),
    "tape": (TapeRNN, {}),
    "tapes": (TapeRNN, {"tapes": 2}),
    "jumps": (Jumping, {}),
    "tapes with jumps": (Jumping, {"tapes": 2}),
    "tapes with jumps and steps": (Jumping, {"tapes": 2, "jump_and_step": True}),
    "tapes with jumps and steps, reference": (
        Jumping,
        {"tapes": 2, "jump_and_step": True, "kernel": "reference"},
    ),
    "tapes with jumps, reference": (Jumping, {"tapes": 2, "kernel": "reference"}),
}
every_variant = pytest.mark.parametrize(("kind", "config"), VARIANTS.values(), ids=VARIANTS)


def make(kind, config, **more):
    torch.manual_seed(0)
    small = {"hidden_size": 4, "memory_width": 3}
    model = kind(INPUTS, OUTPUTS, **small | config | more).double()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter += 0.5 * torch.randn_like(parameter)
    return model.eval()


def ending(B, T=9):
    """Return inputs whose last channel ends the input at a step of its own in each row."""
    inputs = data(T, B)
    inputs[:, :, -1] = -1  # not at the jump from 0 up, which has no gradient
    for row in range(B):
        inputs[2 + 2 * row, row, -1] = 1
    return inputs


def softmax(x):
    return np.exp(x) / np.exp(x).sum()


def popped_and_pushed(p, h, stack):
    push, pop, keep = softmax(h @ p["actions.weight"] + p["actions.bias"])
    value = h @ p["values.weight"] + p["values.bias"]
    after = np.zeros_like(stack)
    for i in range(len(stack)):
        above = stack[i - 1] if i else value
        below = stack[i + 1] if i + 1 < len(stack) else np.zeros_like(value)
        after[i] = push * above + pop * below + keep * stack[i]
    return after


def written_and_moved(p, h, tape, n):
    scores, distances = h @ p["actions.weight"] + p["actions.bias"], (0, -1, 1, -n, n)
    moves = softmax(scores)
    if len(scores) == 6:  # a distribution over steps, and one over jumps
        moves = np.outer(softmax(scores[:3]), softmax(scores[3:])).flatten()
        distances = np.add.outer((0, -1, 1), (0, -n, n)).flatten()
    for layer in ("0", "2", "4"):
        h = h @ p[f"values.{layer}.weight"] + p[f"values.{layer}.bias"]
        h = h if layer == "4" else np.maximum(h, 0)
    tape, after = tape.copy(), np.zeros_like(tape)
    tape[0] = h
    for move, distance in zip(moves, distances, strict=False):
        for i in range(len(tape)):
            after[i] += move * tape[(i + distance) % len(tape)]
    return after


def reference(model, inputs, slots):
    """Return the logits of one episode ``[T, I]`` and its last memories, by the docstrings' equations."""
    c = model.config
    S = c.stacks if isinstance(model, StackRNN) else c.tapes
    p = {name: value.detach().numpy() for name, value in model.named_parameters()}
    memories = [np.zeros((slots, c.memory_width)) for _ in range(S)]
    hidden, n, ended, logits = np.zeros((c.num_layers, c.hidden_size)), 0, False, []
    for x in inputs.numpy():
        reads = np.concatenate([memory[0] for memory in memories])
        below = p["controller.inputs.weight"] @ x
        for i in range(c.num_layers):
            seen = np.concatenate((reads if i == 0 else hidden[i - 1], hidden[i]))
            layer = f"controller.layers.{i}"
            added = below if i == 0 else 0
            hidden[i] = np.tanh(p[f"{layer}.weight"] @ seen + p[f"{layer}.bias"] + added)
        ended = ended or x[-1] > 0
        n += not ended
        for s in range(S):
            mine = {}
            for name in ("actions", "values" if isinstance(model, StackRNN) else "values.4"):
                for part in ("weight", "bias"):
                    mine[f"{name}.{part}"] = np.split(p[f"{name}.{part}"], S)[s].T
            for name in ("values.0", "values.2") if isinstance(model, TapeRNN) else ():
                mine |= {f"{name}.{part}": p[f"{name}.{part}"].T for part in ("weight", "bias")}
            if isinstance(model, StackRNN):
                memories[s] = popped_and_pushed(mine, hidden[-1], memories[s])
            else:
                memories[s] = written_and_moved(mine, hidden[-1], memories[s], n)
        reads = np.concatenate([memory[0] for memory in memories])
        logits.append(p["output.weight"] @ np.concatenate((reads, hidden[-1])) + p["output.bias"])
    return np.array(logits), np.concatenate(memories, 1)


@every_variant
def test_it_computes_its_equations(kind, config):
    model, inputs = make(kind, config), ending(2)
    logits, state = model(inputs, model.initial_state(2, 4))
    for b in range(2):
        expected, memory = reference(model, inputs[:, b], 4)
        np.testing.assert_allclose(logits[:, b].detach(), expected, rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(state.memory[b].detach(), memory, rtol=1e-9, atol=1e-12)


@every_variant
def test_step_by_step_is_the_whole_sequence(kind, config):
    model, inputs = make(kind, config), ending(3)
    whole, last = model(inputs, model.initial_state(3, 8))
    state, steps = model.initial_state(3, 8), []
    for observation in inputs.split(1):
        logits, state = model(observation, state)
        steps.append(logits)
    torch.testing.assert_close(torch.cat(steps), whole, rtol=1e-12, atol=1e-12)
    for (_, found), (_, expected) in zip(tensors(state), tensors(last), strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-12)


@every_variant
@pytest.mark.parametrize("keep", [False, True])
def test_a_long_sequence_is_that_of_its_equations(kind, config, keep):
    model, T = make(kind, config), 2 * STEPS + 3
    inputs = ending(1, T)
    with torch.set_grad_enabled(keep):
        logits, state = model(inputs, model.initial_state(1, 64))
        _, seen, _ = model.recur(model.project(inputs), model.initial_state(1, 64), keep=True)
    expected, memory = reference(model, inputs[:, 0], 64)
    np.testing.assert_allclose(logits[:, 0].detach(), expected, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(state.memory[0].detach(), memory, rtol=1e-9, atol=1e-12)
    torch.testing.assert_close(seen[-1], state.weightings, rtol=1e-12, atol=1e-12)
    assert seen.shape[0] == T


def test_a_stack_goes_on_below_an_empty_cell():
    push, pop = 0, 1
    model = StackRNN(INPUTS, OUTPUTS, memory_width=1)
    state = played(model, model.initial_state(1, 64), (push, 1), (push, 0), (push, 0), (push, 2))
    assert played(model, state, *3 * [(pop, 9)]).reads.tolist() == [[1]]


@every_variant
def test_its_gradients_are_right(kind, config):
    model = make(kind, config, hidden_size=2)
    names = [name for name, _ in model.named_parameters()]

    def logits(inputs, *parameters):
        mine = {f"model.{name}": parameter for name, parameter in zip(names, parameters, strict=True)}
        return torch.func.functional_call(Whole(model, capacity=3), mine, (inputs,))

    inputs = ending(2, T=5).requires_grad_()
    assert gradcheck(logits, (inputs, *model.parameters()), fast_mode=True)


def test_with_jumps_it_keeps_to_the_protocol_of_models():
    check_model(Jumping, input_size=INPUTS, config={"hidden_size": 8})


def acting(model, act, value):
    """Have a model take one action and write one value at all steps."""
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.zero_()
        model.actions.bias[act] = 100.0
        (model.values if isinstance(model, StackRNN) else model.values[4]).bias.fill_(value)


def played(model, state, *moves, inputs=None):
    for act, value in moves:
        acting(model, act, value)
        _, state = model(torch.zeros(1, 1, INPUTS) if inputs is None else inputs, state)
    return state._replace(cells=state.cells.round(decimals=6), reads=state.reads.round(decimals=6))


def test_a_stack_returns_what_was_pushed_last_first():
    push, pop, keep = range(3)
    model = StackRNN(INPUTS, OUTPUTS, memory_width=1)
    state = played(model, model.initial_state(1, 4), (push, 1), (push, 2), (keep, 9), (push, 3))
    assert state.memory.flatten().tolist() == [3, 2, 1, 0]
    assert state.weightings.flatten().tolist() == [0, 0, 0, 1]  # the height of the stack
    assert played(model, state, (pop, 9)).reads.tolist() == [[2]]
    assert played(model, state, *4 * [(pop, 9)]).memory.flatten().tolist() == [0, 0, 0, 0]
    assert played(model, state, (push, 4), (push, 5)).memory.flatten().tolist() == [5, 4, 3, 2]


def test_a_head_moves_over_a_circular_tape_and_jumps_by_the_length_of_the_input():
    stay, left, right, back, ahead = range(5)
    model = Jumping(INPUTS, OUTPUTS, memory_width=1)
    begun = played(model, model.initial_state(1, 8), (right, 1), (right, 2), (right, 3))
    assert begun.counts[0].tolist() == [3]
    end = torch.zeros(1, 1, INPUTS)
    end[..., 2] = 1
    state = played(model, begun, (back, 4), inputs=end)
    assert state.memory.flatten().tolist() == [1, 2, 3, 4, 0, 0, 0, 0]
    assert played(model, state, (ahead, 5)).reads.tolist() == [[4]]
    assert played(model, state, (ahead, 5)).counts[0].tolist() == [3]
    assert played(model, state, (left, 5)).memory.flatten().tolist() == [0, 5, 2, 3, 4, 0, 0, 0]
    assert played(model, state, (stay, 6)).weightings.argmax() == 0


def test_a_head_may_jump_and_step_at_once():
    model = Jumping(INPUTS, OUTPUTS, memory_width=1, jump_and_step=True)
    weights = model._weights(torch.zeros(1, model.config.hidden_size)).detach()
    assert weights.shape == (1, 1, 9)
    distances = model._distances((torch.tensor([3.0]),), torch.zeros(1))
    assert distances.tolist() == [[0, -1, 1, -3, -4, -2, 3, 2, 4]]
    with pytest.raises(
        ValueError, match="jump_and_step is True; expected False without input_length, by which"
    ):
        TapeRNN(INPUTS, OUTPUTS, jump_and_step=True)


def test_the_biases_of_actions_start_as_configured():
    model = StackRNN(INPUTS, OUTPUTS, stacks=2, action_bias=(2.0, 0.0, -1.0))
    assert model.actions.bias.tolist() == [2, 0, -1, 2, 0, -1]
    with pytest.raises(ValueError, match=r"action_bias is \(1.0,\); expected a list of 3 finite numbers"):
        StackRNN(INPUTS, OUTPUTS, action_bias=(1.0,))


def test_the_channel_that_ends_the_input_is_found_by_its_name():
    build(TapeRNN, tasks.get("copy"), input_length="delimiter")
    with pytest.raises(
        ValueError, match="input_length: unknown input channel 'anser'; did you mean 'answer'"
    ):
        build(TapeRNN, tasks.get("parity"), input_length="anser")
    with pytest.raises(ValueError, match=r"input_length is 'answer', but the names .* are not known; pass"):
        TapeRNN(INPUTS, OUTPUTS, input_length="answer")


def test_recipes_that_tell_the_length_of_the_input_declare_it():
    found = [
        (row.name, recipe)
        for row in TABLE
        for recipe in (*row.recipes.values(), row.default)
        if recipe.model.get("input_length")
    ]
    assert {name for name, _ in found} == {"tape-rnn-jump"}
    assert all("input_length" in recipe.train.privileges for _, recipe in found)
