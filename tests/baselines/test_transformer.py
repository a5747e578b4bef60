import math

import pytest
import torch
from torch.testing import assert_close

from ntm_agents.testing import check_model
from ntm_baselines import Transformer

POSITIONS = ["none", "sinusoidal", "rope", "alibi", "randomised"]
every_position = pytest.mark.parametrize("position", POSITIONS)
EXACT = {"rtol": 1e-10, "atol": 1e-10}


def make(position="sinusoidal"):
    torch.manual_seed(0)
    model = Transformer(5, 2, hidden_size=12, heads=3, num_layers=2, position=position)
    return model.double().eval()


def data(T, B):
    return torch.randn(T, B, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


@every_position
def test_it_keeps_to_the_protocol_of_models(position):
    check_model(Transformer, config={"position": position, "hidden_size": 16, "num_layers": 2, "heads": 4})


def encoded(position):
    """Return the sinusoidal encoding of a position, by a loop over its channels."""
    angles = [position / 10_000 ** (2 * i / 12) for i in range(6)]
    return torch.tensor([*map(math.sin, angles), *map(math.cos, angles)], dtype=torch.float64)


def rotated(vector, position):
    """Return the vector of a head, of four channels, rotated as a vector of two complex numbers."""
    turn = torch.tensor([position, position / 10_000 ** (2 / 4)], dtype=torch.float64)
    turned = torch.complex(vector[:2], vector[2:]) * torch.polar(torch.ones_like(turn), turn)
    return torch.cat((turned.real, turned.imag))


def in_loops(model, inputs):
    """Return the logits ``[T, L]`` of one sequence, a head and a step at a time."""
    code, T = model.config.position, len(inputs)
    places = [t * 4096 // (2 * 16) if code == "randomised" else t for t in range(T)]
    vectors = model.embedding(inputs)
    if code in ("sinusoidal", "randomised"):
        vectors = vectors + torch.stack([encoded(place) for place in places])
    for layer in model.layers:
        query, key, value = layer.queries_keys_values(layer.norm(vectors)).view(T, 3, 12).chunk(3, 2)
        read = torch.zeros(T, 3, 4, dtype=torch.float64)
        for t in range(T):
            for head in range(3):
                slope = 2 ** (-8 * (head + 1) / 3) if code == "alibi" else 0
                scores = []
                for past in range(t + 1):
                    q, k = query[t, head], key[past, head]
                    if code == "rope":
                        q, k = rotated(q, places[t]), rotated(k, places[past])
                    scores.append(q @ k / 2 - slope * (t - past))
                read[t, head] = torch.stack(scores).softmax(0) @ value[: t + 1, head]
        vectors = vectors + layer.attended(read.flatten(1))
        vectors = vectors + layer.feedforward(vectors)
    return model.output(vectors)


@every_position
def test_it_computes_the_equations(position):
    model, inputs = make(position), data(7, 2)
    with torch.no_grad():
        found, _ = model(inputs, model.initial_state(2, 16))
        for row in range(2):
            assert_close(found[:, row], in_loops(model, inputs[:, row]), **EXACT)


@every_position
def test_step_by_step_it_computes_the_same_with_rows_that_begin_at_different_times(position):
    model, inputs = make(position), data(30, 3)
    whole, _ = model(inputs, model.initial_state(3, 32))
    delays, state, found = (0, 4, 9), model.initial_state(3, 32), torch.zeros_like(whole)
    with torch.no_grad():
        for t in range(30):
            at = [max(t - delay, 0) for delay in delays]
            state.step.copy_(torch.tensor(at))  # a row begins anew until its delay is over
            logits, state = model(inputs[at, range(3)][None], state)
            found[at, range(3)] = logits[0]
    for row, delay in enumerate(delays):
        assert_close(found[: 30 - delay, row], whole[: 30 - delay, row].detach(), **EXACT)


@pytest.mark.parametrize(("position", "relative"), [("rope", True), ("alibi", True), ("sinusoidal", False)])
def test_some_encodings_depend_on_distances_alone(position, relative):
    model, inputs = make(position), data(7, 2)
    state = model.initial_state(2, 8)
    found, _ = model(inputs, state)
    moved, _ = model(inputs, state._replace(positions=state.positions + 100))
    assert torch.allclose(found, moved, **EXACT) == relative


def test_randomised_positions_are_drawn_in_order_in_training_and_evenly_spaced_in_evaluation():
    model = Transformer(5, 2, position="randomised", position_range=100).train()
    torch.manual_seed(0)
    drawn = model.initial_state(500, 16).positions
    assert (drawn.diff(dim=1) > 0).all()
    assert (drawn.min(), drawn.max()) == (0, 99)
    assert len(drawn.unique(dim=0)) == 500
    # More than half of the steps go beyond what evaluation uses, on average.
    assert drawn[:, 8].double().mean() > 48
    positions = model.eval().initial_state(2, 16).positions
    assert positions.tolist() == [list(range(0, 48, 3))] * 2
    for training in (True, False):  # more steps than positions
        assert model.train(training).initial_state(1, 128).positions.tolist() == [list(range(128))]


def test_the_cache_is_written_in_place_only_without_gradients():
    model, inputs = make(), data(7, 2)
    for grad in (False, True):
        state = model.initial_state(2, 8)
        with torch.set_grad_enabled(grad):
            _, after = model(inputs, state)
        assert (after.caches[0].data_ptr() == state.caches[0].data_ptr()) == (not grad)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"position": "learned"}, "position is 'learned'; expected one of 'none', 'sinusoidal', 'rope'"),
        ({"hidden_size": 24}, r"hidden_size is 24; expected a multiple of 2 \* heads = 16"),
        ({"heads": 0}, "heads is 0; expected an integer of at least 1"),
    ],
)
def test_impossible_options_are_named(options, message):
    with pytest.raises(ValueError, match=message):
        Transformer(5, 2, **options)
