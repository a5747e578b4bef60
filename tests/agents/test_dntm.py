"""The D-NTM: its equations, its invariants, and its options. Generic tests are in `test_every_machine.py`."""

import itertools

import numpy as np
import pytest
import torch
from dntm_in_loops import reference
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.testing import assert_close

from ntm_agents import DNTM
from ntm_agents.machines import dntm
from ntm_agents.reinforce import Reinforce
from ntm_agents.testing import check_model

INPUTS, OUTPUTS = 3, 2
HARD = {"addressing": "hard", "soft_batches": 0.0}
THROUGH = {**HARD, "gradient": "straight-through"}
FOLLOWING = {"read_heads": 3, "follows": (1, 1, 0, 2), "by_content": (False, False, True, True)}


def make(seed=0, scale=0.5, **config):
    """Return a small model in float64 whose parameters are all large enough to matter."""
    torch.manual_seed(seed)
    small = {"hidden_size": 4, "memory_width": 3, "address_width": 4}
    model = DNTM(INPUTS, OUTPUTS, **(small | config)).double()
    torch.manual_seed(seed)  # the same noise for all kinds
    with torch.no_grad():
        for parameter in model.parameters():
            parameter += scale * torch.randn_like(parameter)
    return model.eval()


def data(T, B, seed=0):
    return torch.randn(T, B, INPUTS, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@given(
    st.integers(0, 999),
    st.integers(1, 2),
    st.integers(1, 2),
    st.integers(1, 4),
    st.integers(0, 2),
    st.sampled_from(["write_first", "read_first"]),
    st.booleans(),
    st.booleans(),
    st.sampled_from(["slot", "content", "none"]),
    st.booleans(),
)
@settings(max_examples=30)
def test_it_computes_the_equations_of_the_paper(
    seed, writers, readers, T, nop, order, lru, following, feedback, finding
):
    heads = {"write_heads": writers, "read_heads": readers, "nop_slots": nop}
    follows = tuple(head % (readers + 1) for head in range(writers + readers)) if following else ()
    by_content = tuple(head % 2 == 1 for head in range(writers + readers)) if finding else ()
    options = {"order": order, "lru": lru, "follows": follows, "feedback": feedback, "by_content": by_content}
    model = make(seed, **options, **heads)
    inputs = data(T, 2, seed)
    with torch.no_grad():
        logits, state = model(inputs, model.initial_state(2, 4))
    for b in range(2):
        expected, memory, weightings = reference(model, inputs[:, b].numpy(), 4)
        np.testing.assert_allclose(logits[:, b], expected, rtol=1e-8, atol=1e-10)
        found = torch.cat((state.addresses[b], state.memory[b]), 1)
        np.testing.assert_allclose(found, memory, rtol=1e-8, atol=1e-10)
        np.testing.assert_allclose(state.weightings[b], weightings, rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize("config", [HARD, THROUGH, FOLLOWING, {**FOLLOWING, **HARD}], ids=str)
def test_every_kind_keeps_to_the_protocol_of_models(config):
    check_model(DNTM, config={"hidden_size": 4, "memory_width": 3, "address_width": 4, **config})


def test_a_machine_that_was_made_without_storage_is_as_good_as_any_other():
    with torch.device("meta"):
        empty = DNTM(INPUTS, OUTPUTS, **FOLLOWING)
    model = DNTM(INPUTS, OUTPUTS, **FOLLOWING)
    empty.to_empty(device="cpu").load_state_dict(model.state_dict())
    inputs = data(4, 2).float()
    found, _ = empty(inputs, empty.initial_state(2, 8))
    assert torch.equal(found, model(inputs, model.initial_state(2, 8))[0])


@pytest.mark.parametrize("config", [HARD, THROUGH])
@pytest.mark.parametrize("training", [False, True])
def test_hard_weightings_are_one_slot_and_in_evaluation_the_most_probable(config, training):
    hard, soft = make(nop_slots=0, **config).train(training), make(nop_slots=0)
    with torch.no_grad():
        start = hard.initial_state(5, 8)
        _, state = hard(data(1, 5), start)
        assert_close(state.weightings.sum(2), torch.ones_like(state.weightings[:, :, 0]))
        assert_close(state.weightings.amax(2), torch.ones_like(state.weightings[:, :, 0]))
        _, expected = soft(data(1, 5), start)
    if not training:
        assert torch.equal(state.weightings.argmax(2), expected.weightings.argmax(2))


def test_slots_are_drawn_with_the_probabilities_of_soft_weightings():
    hard, soft = make(nop_slots=0, **HARD).train(), make(nop_slots=0)
    inputs = data(1, 1).expand(1, 40_000, -1)
    with torch.no_grad():
        torch.manual_seed(0)
        found = hard(inputs, hard.initial_state(40_000, 4))[1].weightings.mean(0)
        expected = soft(data(1, 1), soft.initial_state(1, 4))[1].weightings[0]
    assert_close(found, expected, rtol=0, atol=0.02)


def test_a_straight_through_gradient_is_that_of_soft_weightings():
    gradients = []
    for config in ({}, THROUGH):
        model = make(**config).train()
        _, state = model(data(1, 2), model.initial_state(2, 4))
        weights = torch.arange(state.weightings.numel(), dtype=torch.float64).view_as(state.weightings)
        (state.weightings * weights).sum().backward()
        gradients.append(model.heads.weight.grad)
    assert gradients[0].abs().max() > 0
    assert_close(*gradients)


@pytest.mark.parametrize("mean", [0.0, 0.7])
def test_the_gradient_of_reinforce_is_that_of_the_expected_loss(mean, monkeypatch):
    """Over all choices of two steps, each with its probability, whatever the baselines are."""
    slots, steps = 2, 2
    model = make(normalise=False, nop_slots=0, **HARD).train()
    inputs, targets = data(steps, 1), torch.tensor([[[0.0, 1.0]], [[1.0, 1.0]]], dtype=torch.float64)
    parameters = [model.heads.weight, model.heads.bias, model.frequencies]

    def costs(logits):
        losses = torch.nn.functional.binary_cross_entropy_with_logits(logits, targets, reduction="none")
        return losses.sum(2) / targets.numel()

    def estimate(choices):
        """Return probability, cost and the gradient's estimate, if these slots are drawn."""
        drawn, probability = iter(choices), []

        def forced(logits, soft, **how):
            choice = torch.tensor(next(drawn))
            logs = logits.log_softmax(2)
            hard = torch.nn.functional.one_hot(choice, slots).to(logits.dtype).unsqueeze(0)
            log_probability = (logs * hard).sum((1, 2)).unsqueeze(1)
            probability.append(log_probability.sum())
            return hard, (log_probability, torch.zeros_like(log_probability))

        monkeypatch.setattr(dntm, "choose", forced)
        with torch.no_grad():
            model.reinforce.mean.fill_(mean)
            model.reinforce.baseline.weight.fill_(mean)
        logits, auxiliary = model.with_auxiliary_loss(inputs, model.initial_state(1, slots), costs)
        cost = costs(logits).sum()
        estimates = torch.autograd.grad(cost + auxiliary, parameters, retain_graph=True)
        monkeypatch.undo()
        return sum(probability).exp(), cost, estimates

    pairs = list(itertools.product(range(slots), repeat=2))  # of the write and the read head
    outcomes = [estimate(choices) for choices in itertools.product(pairs, repeat=steps)]
    assert_close(sum(p for p, _, _ in outcomes).detach(), torch.ones((), dtype=torch.float64))
    exact = torch.autograd.grad(sum(p * cost for p, cost, _ in outcomes), parameters)
    for i, expected in enumerate(exact):
        assert expected.abs().max() > 1e-4
        assert_close(sum(p.detach() * estimates[i] for p, _, estimates in outcomes), expected)


def test_baselines_learn_the_costs_to_come():
    """The deviation of the costs from both baselines becomes small, where features tell the costs."""
    torch.manual_seed(0)
    reinforce = Reinforce(1)
    optimizer = torch.optim.Adam(reinforce.parameters(), 0.02)
    zeros = torch.zeros(1, 64)
    for _ in range(400):
        features = torch.randn(1, 64, 1)
        loss = reinforce((3 + 2 * features[:, :, 0]) / 64, features, zeros, zeros)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert abs(reinforce.mean - 3) < 0.5
    assert loss < 0.02


def test_from_soft_to_hard_as_the_square_root_of_the_number_of_batches():
    model = make(addressing="hard", soft_batches=2.0).train()
    torch.manual_seed(0)
    shares = [model.project(data(1, 1).expand(1, 20_000, -1))[-1].double().mean().item() for _ in range(7)]
    np.testing.assert_allclose(shares, [(2 / (2 + n)) ** 0.5 for n in range(7)], atol=0.02)
    assert model.batches == 7
    assert not model.eval().project(data(1, 4))[-1].any()
    assert model.batches == 7


def test_soft_rows_of_a_hard_machine_are_those_of_a_soft_one():
    hard, soft = make(addressing="hard", soft_batches=1e12).train(), make()
    inputs = data(3, 2)
    assert_close(hard(inputs, hard.initial_state(2, 4))[0], soft(inputs, soft.initial_state(2, 4))[0])


def test_a_head_on_a_nop_cell_reads_zeros_and_writes_nothing():
    model = make(scale=0.0, strength_bias=200.0, lru=False)
    with torch.no_grad():
        model.heads.weight.zero_()
        keys = model.heads.bias[: 2 * 8].view(2, 8)[:, :7]
        keys[:, :4] = model.nop[0]
        start = model.initial_state(2, 4)
        _, state = model(data(2, 2), start)
        assert_close(state.weightings, torch.zeros_like(state.weightings), rtol=0, atol=1e-9)
        assert_close(state.reads, torch.zeros_like(state.reads), rtol=0, atol=1e-9)
        assert_close(state.memory, start.memory, rtol=0, atol=1e-9)


def test_the_lru_term_takes_back_what_was_similar_to_the_key_without_a_gradient_through_the_past():
    model = make(scale=0.0, strength_bias=5.0, lru_bias=50.0)
    with torch.no_grad():  # constant keys, and nothing to write
        model.heads.weight.zero_()
        model.inputs.weight.zero_()
        model.heads.bias[: 2 * 9].view(2, 9)[:, :7] = torch.randn(2, 7, dtype=torch.float64)
    state, found = model.initial_state(1, 4), []
    for observation in data(3, 1).split(1):
        _, state = model(observation, state)
        assert not state.similarities.requires_grad
        found.append(state.weightings[:, :, 1:] / state.weightings[:, :, 1:].sum(2, keepdim=True))
    z = found[0].log()
    for weightings, left in zip(found, (1.0, 0.1, 0.01), strict=True):  # v = 0, 0.9 z, 0.99 z
        assert_close(weightings, (left * z).softmax(2))


def test_a_head_that_follows_itself_visits_all_slots_of_any_memory_in_their_order():
    torch.manual_seed(0)
    model = DNTM(INPUTS, OUTPUTS, addressing="hard", follows=(1, 1), lru=False).eval()
    with torch.no_grad():
        state, slots = model.initial_state(1, 4096), []
        for _ in range(300):
            _, state = model(torch.zeros(1, 1, INPUTS), state)
            slots.append(state.weightings.argmax(2)[0].tolist())
    assert slots == [[1 + n, 1 + n] for n in range(1, 301)]


def test_gates_of_hard_heads_are_open_or_closed_with_the_gradient_of_soft_ones():
    logits = torch.tensor([-3.0, -0.1, 0.1, 3.0], dtype=torch.float64).view(2, 2, 1).requires_grad_()
    model, gradients = make(follows=(1, 1), **THROUGH), []
    for soft in (None, torch.tensor([False, True]), torch.tensor([False, False])):
        gates = model._gate(logits, soft)
        gradients += torch.autograd.grad((gates * torch.arange(4.0).view(2, 2, 1)).sum(), logits)
        expected = torch.sigmoid(logits) if soft is None else (logits > 0).double()
        expected = expected if soft is None or not soft[1] else torch.stack((expected[0], gates[1]))
        assert_close(gates, expected)
    assert_close(gradients[0], gradients[1])
    assert_close(gradients[0], gradients[2])


def test_a_head_walks_exactly_while_its_gate_is_nearly_closed():
    """Whatever its own key is: 0.2 of it would lead to another slot of so many."""
    torch.manual_seed(0)
    options = {"addressing": "hard", "follows": (1, 1), "lru": False, "gate_bias": -1.4, "nop_slots": 0}
    model = DNTM(INPUTS, OUTPUTS, **options).eval()
    with torch.no_grad():
        each = model.heads.bias.split_with_sizes(model._sizes)[0].view(2, -1)
        each[:, : model._width] = 5 * torch.randn(2, model._width)  # keys far from all addresses
        state, slots = model.initial_state(1, 2048), []
        for _ in range(200):
            _, state = model(torch.zeros(1, 1, INPUTS), state)
            slots.append(state.weightings.argmax(2)[0].tolist())
    assert slots == [[n, n] for n in range(1, 201)]


def test_a_key_by_content_begins_as_the_word_that_is_written():
    """So a head finds a word that was written before, whatever its address, and no empty slot."""
    heads = {"read_heads": 2, "follows": (1, 1, 0), "by_content": (False, False, True), "nop_slots": 0}
    options = {"strength_bias": 50.0, "epsilon": 0.1, "feedback": "none", "lru": False}
    torch.manual_seed(0)
    model = DNTM(5, OUTPUTS, controller="feedforward", **heads, **options)
    with torch.no_grad():
        model.inputs.weight.abs_()  # words are not cut off by ReLU
        model.heads.weight.zero_()
    inputs, found = torch.eye(5)[[0, 1, 2, 3, 1, 3, 0]].unsqueeze(1), []
    state = model.eval().initial_state(1, 8)
    for observation in inputs.split(1):
        _, state = model(observation, state)
        found.append(state.weightings[0, 2])
    assert [weighting.argmax().item() for weighting in found[-3:]] == [2, 4, 1]  # written from slot 1 on
    assert all(weighting.max() > 0.9 for weighting in found[-3:])


def test_addresses_stay_and_contents_change():
    model, inputs = make(), data(6, 2)
    start = model.initial_state(2, 4)
    _, state = model(inputs, start)
    assert torch.equal(state.addresses, start.addresses)
    assert (state.memory[:, 1:] != start.memory[:, 1:]).any()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"address_width": 5}, "address_width is 5; expected an even number"),
        ({"address_width": 0}, "address_width is 0; expected an integer of at least 2"),
        ({"nop_slots": -1}, "nop_slots is -1; expected an integer from 0 to 1000"),
        ({"addressing": "both"}, "addressing is 'both'"),
        ({"follows": (1,)}, "for each of the 2 heads a number from 0 to 1, or no numbers"),
        ({"follows": (1, 2)}, "for each of the 2 heads a number from 0 to 1, or no numbers"),
        ({"by_content": (True,)}, "expected True or False for each of the 2 heads, or nothing"),
        ({"gate_bias": (1.0,)}, "gate_bias is .*; expected 2 finite numbers, as there are 2 heads"),
    ],
)
def test_impossible_options_are_named(options, message):
    with pytest.raises(ValueError, match=message):
        DNTM(INPUTS, OUTPUTS, **options)
