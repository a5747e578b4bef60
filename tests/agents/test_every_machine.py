"""Properties of every memory machine in the package, whatever its options and equations are."""

import pytest
import torch
from every_machine import INPUTS, OUTPUTS, Whole, assert_rows_are_independent, data, every_machine, make
from torch.autograd import gradcheck
from torch.testing import assert_close

from ntm_agents.protocol import tensors
from ntm_agents.testing import check_model


def assert_same_states(found, expected):
    for (name, part), (_, want) in zip(tensors(found), tensors(expected), strict=True):
        assert_close(
            part, want.detach(), rtol=1e-8, atol=1e-10, msg=lambda text, name=name: f"{name}: {text}"
        )


@every_machine
def test_it_keeps_to_the_protocol_of_models(kind):
    check_model(kind)


@every_machine
def test_its_gradients_are_right(kind):
    # By definition, there is no gradient through the moving average of a D-NTM's LRU term.
    model, inputs = make(kind, hidden_size=2, lru=False), data(T=2, B=2).requires_grad_()
    names = [name for name, _ in model.named_parameters()]

    def logits(inputs, *parameters):
        mine = {f"model.{name}": parameter for name, parameter in zip(names, parameters, strict=True)}
        return torch.func.functional_call(Whole(model), mine, (inputs,))

    assert gradcheck(logits, (inputs, *model.parameters()), fast_mode=True)


@every_machine
def test_step_by_step_and_without_gradients_it_computes_the_same(kind):
    model, inputs = make(kind), data(T=70, B=2)
    whole, last = model(inputs, model.initial_state(2, 8))
    with torch.no_grad():
        found, state = model(inputs, model.initial_state(2, 8))
        assert_close(found, whole.detach(), rtol=1e-8, atol=1e-10)
        assert_same_states(state, last)
        state, steps = model.initial_state(2, 8), []
        for observation in inputs.split(1):
            logits, state = model(observation, state)
            steps.append(logits)
    assert_close(torch.cat(steps), whole.detach(), rtol=1e-8, atol=1e-10)
    assert_same_states(state, last)


@every_machine
def test_it_runs_with_any_number_of_slots(kind):
    model, inputs = make(kind), data(T=3, B=2)
    sizes = set()
    for capacity in (1, 8, 64):
        logits, state = model(inputs, model.initial_state(2, capacity))
        assert logits.isfinite().all()
        sizes.add(state.memory.shape[1])
        shapes = [tuple(part.shape) for _, part in tensors(state)]
        assert shapes == model.state_shapes(2, state.memory.shape[1])
    assert len(sizes) == 3


@every_machine
def test_rows_of_the_initial_state_are_independent(kind):
    for memory_init in ("constant", "learned"):
        assert_rows_are_independent(make(kind, memory_init=memory_init, head_init="learned"))


@every_machine
@pytest.mark.parametrize("shape", [(0, 2, INPUTS), (4, 0, INPUTS), (2, INPUTS)])
def test_no_steps_or_no_sequences_are_refused(kind, shape):
    model = make(kind)
    for grad in (False, True):
        with (
            torch.set_grad_enabled(grad),
            pytest.raises(ValueError, match="at least one step and one sequence"),
        ):
            model(torch.zeros(shape, dtype=torch.float64), model.initial_state(2, 8))


@every_machine
def test_half_precision_is_bfloat16(kind):
    model = make(kind)
    with pytest.raises(ValueError, match=r"float16, whose range is too small .* expected .*torch.bfloat16"):
        model.half()(data(T=3, B=2).half(), model.initial_state(2, 8))
    model.bfloat16()
    assert model(data(T=3, B=2).bfloat16(), model.initial_state(2, 8))[0].isfinite().all()


@every_machine
@pytest.mark.parametrize("kernel", ["auto", "reference"])
def test_under_autocast_it_computes_the_same_up_to_the_rounding_of_inputs_and_logits(kind, kernel):
    model, inputs = make(kind, kernel=kernel).float(), data(T=20, B=2).float()
    results = []
    for enabled in (False, True):
        with torch.autocast("cpu", torch.bfloat16, enabled=enabled):
            logits, state = model(inputs, model.initial_state(2, 8))
            with torch.no_grad():
                assert_close(model(inputs, model.initial_state(2, 8))[0], logits.detach())
            loss = logits.float().square().mean() + model.with_penalty(inputs, model.initial_state(2, 8))[1]
            gradients = torch.autograd.grad(loss, list(model.parameters()))
        assert {p.dtype for _, p in tensors(state) if p.is_floating_point()} == {torch.float32}
        results.append([logits.float(), *gradients])
    for found, expected in zip(*results, strict=True):
        assert (found - expected).norm() <= 0.1 * expected.norm() + 1e-3


@every_machine
def test_it_has_the_default_type_and_device(kind):
    with torch.device("meta"):
        model = kind(INPUTS, OUTPUTS)
        state = model.initial_state(2, 8)
    assert {part.device.type for part in (*model.parameters(), *model.buffers())} == {"meta"}
    assert {part.device.type for _, part in tensors(state)} == {"meta"}
    weights = kind(INPUTS, OUTPUTS)
    model.to_empty(device="cpu").load_state_dict(weights.state_dict())
    found, _ = model(data(4, 2).float(), model.initial_state(2, 8))
    assert torch.equal(found, weights(data(4, 2).float(), weights.initial_state(2, 8))[0])
