"""Twin DNCs with either kernel, and all their results, for tests of the fused kernel."""

import torch
from hypothesis import strategies as st

from ntm_agents.machines.dnc import DNC
from ntm_agents.protocol import tensors

INPUTS, OUTPUTS = 5, 3


def pair(dtype=torch.float64, disturbance=0.3, **config):
    """Return one model with each kernel, all of whose parameters matter."""
    torch.manual_seed(0)
    models = [DNC(INPUTS, OUTPUTS, kernel=kernel, **config).to(dtype) for kernel in ("reference", "fused")]
    with torch.no_grad():
        for parameter in models[0].parameters():
            parameter += disturbance * torch.randn_like(parameter)
    models[1].load_state_dict(models[0].state_dict())
    return models


def any_state(model, B, capacity, random):
    """Return a state in which no two slots are alike, so that rounding changes no order."""
    like = model.output.weight

    def draw(*shape):
        return torch.rand(shape, generator=random, dtype=torch.float64).to(like.dtype)

    first = model.initial_state(B, capacity)
    slots, links = first.memory.shape[1], first.links
    if links:
        links = (draw(B, slots) / slots, draw(*links[1].shape) / links[1].shape[2], *links[2:])
    if len(links) == 2:
        links = links[0], links[1] * (1 - torch.eye(slots, dtype=like.dtype))
    if len(links) == 3:  # any columns, but no column twice
        columns = draw(B, slots, slots).argsort(2)[:, :, : links[2].shape[2]]
        links = (*links[:2], columns)
    return first._replace(
        memory=draw(*first.memory.shape) - 0.5,
        weightings=2 * draw(*first.weightings.shape) / slots,
        usage=draw(B, slots),
        links=links,
        reads=draw(*first.reads.shape) - 0.5,
        controller=tuple(draw(*tensor.shape) - 0.5 for tensor in first.controller),
    )


def results(model, T, B, capacity, own=False, seed=0):
    """Return all results of a model, and the gradients of everything that it depends on.

    From any state or, where rounding decides the order of slots that are alike, its own.
    """
    random = torch.Generator().manual_seed(seed)
    state = model.initial_state(B, capacity) if own else any_state(model, B, capacity, random)
    inputs = torch.randn((T, B, INPUTS), generator=random, dtype=torch.float64)
    inputs = inputs.to(model.output.weight.dtype).requires_grad_()
    leaves = {name: tensor for name, tensor in tensors(state) if tensor.is_floating_point()}
    for tensor in leaves.values():
        tensor.requires_grad_()
    logits, last = model(inputs, state)
    again, penalty = model.with_penalty(inputs, state)
    assert torch.equal(again, logits)
    found, loss = {}, 0
    for name, tensor in {"logits": logits, "penalty": penalty, **dict(tensors(last))}.items():
        found[name] = tensor.detach()
        if tensor.is_floating_point():
            factors = torch.randn(tensor.shape, generator=random, dtype=torch.float64)
            loss = loss + (tensor * factors.to(tensor.dtype)).sum()
    leaves |= {"inputs": inputs, **dict(model.named_parameters())}
    gradients = torch.autograd.grad(loss, list(leaves.values()), allow_unused=True)
    found |= {f"d {name}": g for name, g in zip(leaves, gradients, strict=True) if g is not None}
    return found


OPTIONS = st.builds(
    lambda fixed, links: fixed | links,
    st.fixed_dictionaries(
        {
            "controller": st.sampled_from(["feedforward", "lstm"]),
            "hidden_size": st.integers(1, 9),
            "read_heads": st.integers(1, 5),
            "memory_width": st.integers(1, 9),
            "masking": st.booleans(),
            "deallocation": st.booleans(),
            "skip_connection": st.booleans(),
            "write_activation": st.sampled_from(["identity", "tanh"]),
            "least_usage": st.sampled_from([0.0, 0.3, 0.9]),
            "epsilon": st.sampled_from([1e-6, 0.1]),
        }
    ),
    st.fixed_dictionaries({"links": st.sampled_from([None, None, 1, 2, 5]), "link_sharpening": st.booleans()})
    | st.just({"links": 0}),
)
