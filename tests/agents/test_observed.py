"""Where the fused kernel would hide operations from PyTorch, the reference runs."""

import pytest
import torch
from every_machine import INPUTS, OUTPUTS, Whole, data, every_machine, make
from torch import func
from torch.autograd import forward_ad
from torch.fx.experimental.proxy_tensor import make_fx
from torch.utils.checkpoint import checkpoint
from torch.utils.flop_counter import FlopCounterMode

from ntm_agents import NTM
from ntm_agents.controllers import Controller


def dual(model, x, direction):
    with forward_ad.dual_level():
        return forward_ad.unpack_dual(model(forward_ad.make_dual(x, direction))).tangent


def per_sample(model, x, _):
    weights = {name: parameter.detach() for name, parameter in model.named_parameters()}

    def loss(weights, sample):
        return func.functional_call(model, weights, (sample.unsqueeze(1),)).square().sum()

    return func.vmap(func.grad(loss), (None, 1))(weights, x)["model.output.weight"]


def flops(model, x, _):
    with FlopCounterMode(display=False) as counter:
        model(x)
    return torch.tensor(counter.get_total_flops())


def compiled(model, x, _):
    torch.compiler.reset()
    return torch.compile(model, backend="eager")(x)


USES = {
    "grad": lambda model, x, _: func.grad(lambda y: model(y).square().sum())(x),
    "hessian": lambda model, x, _: func.hessian(lambda y: model(y).square().sum())(x),
    "jvp": lambda model, x, direction: func.jvp(model, (x,), (direction,))[1],
    "vmap": lambda model, x, other: func.vmap(model)(torch.stack((x, other))),
    "per sample": per_sample,
    "forward mode": dual,
    "make_fx": lambda model, x, other: make_fx(model)(x)(other),
    "flops": flops,
    "trace": lambda model, x, other: torch.jit.trace(model, (x,), check_trace=False)(other),
    "compile": compiled,
}


@pytest.mark.filterwarnings("ignore:`torch.jit.*deprecated:DeprecationWarning")  # PyTorch itself uses it
@pytest.mark.filterwarnings("ignore::torch.jit.TracerWarning")  # of sizes, which stay the same here
@every_machine
@pytest.mark.parametrize("grad", [True, False])
@pytest.mark.parametrize("use", USES.values(), ids=USES)
def test_what_observes_operations_gets_those_of_the_reference(kind, use, grad):
    models = [Whole(make(kind, kernel=kernel)) for kernel in ("reference", "auto")]
    x, other = data(3, 4).split(2, 1)
    with torch.set_grad_enabled(grad):
        expected, found = (use(model, x, other).detach() for model in models)
    assert torch.equal(found, expected)
    assert found.abs().max() > 1e-3


@every_machine
def test_checkpointed_gradients_are_the_same(kind):
    model, x = Whole(make(kind)), data(3, 2).requires_grad_()
    (expected,) = torch.autograd.grad(model(x).square().sum(), x)
    (found,) = torch.autograd.grad(checkpoint(model, x, use_reentrant=False).square().sum(), x)
    assert torch.equal(found, expected)


@every_machine
def test_second_and_vectorised_derivatives_are_right_or_refused(kind):
    x = data(2, 2)
    functional, found = torch.autograd.functional, []
    for model in (Whole(make(kind, kernel=kernel)) for kernel in ("reference", "auto")):
        for derivative in (
            lambda model=model: functional.hessian(lambda y: model(y).square().sum(), x),
            lambda model=model: functional.hessian(lambda y: model(y).sum(), x),
            lambda model=model: functional.jacobian(model, x, vectorize=True),
        ):
            if model.model.kernel == "fused":
                with pytest.raises(RuntimeError, match="kernel='reference'"):
                    derivative()
            else:
                found.append(derivative())
    assert all(value.abs().max() > 1e-4 for value in found)


class OtherStep(NTM):
    def step(self, state, *projected):
        state, (reads, output) = super().step(state, *projected)
        return state, (reads, 2 * output)


class OtherController(Controller):
    def forward(self, projected, reads, state):
        output, state = super().forward(projected, reads, state)
        return 2 * output, state


def test_a_step_that_is_not_the_kernels_is_not_left_out():
    assert OtherStep(INPUTS, OUTPUTS).kernel == "reference"
    with pytest.raises(ValueError, match="does not apply: OtherStep has a step of its own; use 'auto'"):
        _ = OtherStep(INPUTS, OUTPUTS, kernel="fused").kernel
    model = NTM(INPUTS, OUTPUTS)
    assert model.kernel == "fused"
    model.controller = OtherController("lstm", INPUTS, 20, 100)
    assert model.kernel == "reference"


def test_hooks_are_called():
    model, seen = NTM(INPUTS, OUTPUTS), []
    handle = model.controller.register_forward_hook(lambda *call: seen.append(call))
    model(torch.zeros(5, 2, INPUTS), model.initial_state(2, 8))
    assert len(seen) == 5
    handle.remove()
    assert model.kernel == "fused"
