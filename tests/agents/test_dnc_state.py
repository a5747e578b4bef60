"""The columns of sparse links, integers in a state of real numbers, survive what is done to states."""

import pickle

import pytest
import torch
from dnc_in_loops import any_state, data, make

from ntm_agents import DNC, ModelAgent
from ntm_agents.protocol import mapped, tensors
from ntm_envs.answers import Bits


def played(model, T=6, B=3, N=5):
    """Return a state after some steps."""
    with torch.no_grad():
        return model(data(T, B).to(model.output.weight.dtype), model.initial_state(B, N))[1]


def assert_sparse(state, dtype):
    precedence, values, columns = state.links
    assert columns.dtype == torch.int64
    assert {part.dtype for name, part in tensors(state) if part is not columns} == {dtype}
    assert values.any()
    assert 0 <= columns.min() <= columns.max() < precedence.shape[1]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_a_model_of_any_type_has_integer_columns(dtype):
    assert_sparse(played(make(links=2).to(dtype)), dtype)


def test_autocast_rounds_no_columns():
    model = make(links=2).float()
    before = mapped(lambda part: part.float() if part.is_floating_point() else part, any_state(model, 3, 300))
    with torch.autocast("cpu", torch.bfloat16):
        _, state = model(data(1, 3).float(), before)
    assert_sparse(state, torch.float32)
    kept = (state.links[2] == before.links[2]).all(2)
    assert (kept.sum(1) >= 300 - 2).all()  # a write changes the columns of two rows
    assert (state.links[2] > 256).any()  # and bfloat16 has no number 257


def test_a_state_can_be_pickled():
    state = played(make(links=2))
    found = pickle.loads(pickle.dumps(state))
    assert type(found) is type(state)
    for (name, part), (_, expected) in zip(tensors(found), tensors(state), strict=True):
        assert part.dtype == expected.dtype, name
        assert torch.equal(part, expected), name


def test_an_agent_plays_step_by_step_as_in_whole_sequences():
    torch.manual_seed(0)
    model, inputs = DNC(3, 2, hidden_size=4, memory_width=3, links=2), data(9, 4).float()
    agent = ModelAgent(model, Bits(2))
    agent.begin(4, 16, seed=0)
    steps = torch.stack([torch.from_numpy(agent.act(each.numpy())) for each in inputs])
    agent.begin(4, 16, seed=0)
    whole = torch.from_numpy(agent.act_on_sequences(inputs.numpy()))
    torch.testing.assert_close(steps, whole, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda c: c.int(), r"links\[2\] is torch.int32; expected torch.int64"),
        (lambda c: c.double(), r"links\[2\] is torch.float64; expected torch.int64"),
        (lambda c: c[:1], r"links\[2\] has shape \(1, 8, 3\); expected \(2, 8, 3\)"),
        (lambda c: c[..., :2], r"links\[2\] has shape \(2, 8, 2\); expected \(2, 8, 3\)"),
        (lambda c: c - 1, r"links\[2\] has values outside 0 to 7, the slots"),
        (lambda c: c + 8, r"links\[2\] has values outside 0 to 7, the slots"),
    ],
)
def test_columns_that_do_not_fit_are_refused(change, message):
    model = make(links=3)
    state = model.initial_state(2, 8)
    precedence, values, columns = state.links
    for method in (model, model.with_penalty):
        with pytest.raises(ValueError, match=message):
            method(data(4, 2), state._replace(links=(precedence, values, change(columns))))


@pytest.mark.parametrize(
    ("config", "change", "message"),
    [
        ({}, lambda s: s._replace(links=s.links[:1]), r"the state has 7 tensors .* expected the 8"),
        (
            {},
            lambda s: s._replace(links=(s.links[0], s.links[1][:, 1:])),
            r"links\[1\] has shape \(2, 7, 8\)",
        ),
        ({"links": 3}, lambda s: s._replace(links=s.links[:2]), r"the state has 8 tensors .* expected the 9"),
        ({"links": 0}, lambda s: s._replace(links=(s.usage,)), r"the state has 7 tensors .* expected the 6"),
        ({}, lambda s: s._replace(usage=s.usage[:, 1:]), r"usage has shape \(2, 7\); expected \(2, 8\)"),
        ({}, lambda s: tuple(s), "the state is a tuple; expected what initial_state of DNC returns"),
    ],
)
def test_a_state_of_another_kind_is_refused(config, change, message):
    model = make(config)
    with pytest.raises(ValueError, match=message):
        model(data(4, 2), change(model.initial_state(2, 8)))


@pytest.mark.parametrize(("mine", "theirs"), [(None, 3), (3, None), (0, None), (0, 3), (3, 0), (None, 0)])
def test_the_state_of_a_machine_with_other_links_is_refused(mine, theirs):
    model, other = make(links=mine), make(links=theirs)
    with pytest.raises(ValueError, match=r"the state has . tensors"):
        model(data(4, 2), other.initial_state(2, 8))
