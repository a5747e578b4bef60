"""Readouts of logits agree with PyTorch's own losses and distributions, and with the environments."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from torch.distributions import Bernoulli, Categorical
from torch.nn import functional

from ntm_agents.readout import readout
from ntm_envs.answers import Bits, Symbols

ANSWERS = [Bits(1), Bits(9), Symbols((2,)), Symbols((5,)), Symbols((2, 2, 5)), Symbols((3, 300))]
SHAPES = [(), (7,), (4, 3), (2, 3, 4)]


@pytest.fixture(params=ANSWERS, ids=repr)
def answers(request):
    return request.param


def drawn(answers, *shape, dtype=torch.float64):
    """Return logits ``[*shape, L]`` and targets ``[*shape, O]``."""
    logits = 3 * torch.randn(*shape, answers.logits, dtype=dtype)
    targets = torch.stack([torch.randint(size, shape) for size in answers.sizes], -1)
    return logits, targets


def parts(answers, logits):
    """Return the logits of each symbol, found without `readout`."""
    assert isinstance(answers, Symbols)
    starts = np.cumsum([0, *answers.sizes])
    return [logits[..., start:end] for start, end in pairwise(starts)]


def distributions(answers, logits):
    """Return PyTorch's distribution of each symbol."""
    if isinstance(answers, Bits):
        return [Bernoulli(logits=bit) for bit in logits.unbind(-1)]
    return [Categorical(logits=part) for part in parts(answers, logits)]


def expected_log_probability(answers, logits, targets):
    pairs = zip(distributions(answers, logits), targets.unbind(-1), strict=True)
    return sum(each.log_prob(target.to(logits.dtype)) for each, target in pairs)


@pytest.mark.parametrize("shape", SHAPES[1:], ids=str)
def test_the_loss_is_pytorchs(answers, shape):
    logits, targets = drawn(answers, *shape)
    if isinstance(answers, Bits):
        expected = functional.binary_cross_entropy_with_logits(logits, targets.double())
    else:
        columns = zip(parts(answers, logits), targets.unbind(-1), strict=True)
        each = [functional.cross_entropy(part.flatten(0, -2), column.flatten()) for part, column in columns]
        expected = sum(each) / len(each)
    torch.testing.assert_close(readout(answers).loss(logits, targets), expected)


@pytest.mark.parametrize("dtype", [torch.int8, torch.uint8, torch.int16, torch.int32, torch.int64])
def test_targets_may_have_the_dtype_of_any_task(answers, dtype):
    logits, targets = drawn(answers, 6)
    targets = targets.clamp(max=127)
    expected = readout(answers).loss(logits, targets)
    assert readout(answers).loss(logits, targets.to(dtype)) == expected
    assert torch.equal(
        readout(answers).log_probability(logits, targets.to(dtype)),
        readout(answers).log_probability(logits, targets),
    )


def test_what_a_mask_selects_has_the_mean_loss_of_these_symbols(answers):
    """Training gives ``logits[mask]`` of ``[T, B, L]``, that is ``[n, L]``."""
    logits, targets = drawn(answers, 5, 4)
    mask = torch.rand(5, 4) < 0.5
    chosen = [
        expected_log_probability(answers, logits[t, b], targets[t, b]) for t, b in mask.nonzero().tolist()
    ]
    expected = -torch.stack(chosen).mean() / answers.width
    torch.testing.assert_close(readout(answers).loss(logits[mask], targets[mask]), expected)


def test_the_loss_of_all_steps_is_that_of_the_same_rows_in_a_list(answers):
    logits, targets = drawn(answers, 5, 4)
    everything = torch.ones(5, 4, dtype=torch.bool)
    torch.testing.assert_close(
        readout(answers).loss(logits, targets), readout(answers).loss(logits[everything], targets[everything])
    )


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_probabilities_are_valid_actions_of_environments(answers, shape):
    logits, _ = drawn(answers, *shape, dtype=torch.float32)
    probabilities = readout(answers).probabilities(logits)
    assert probabilities.shape == logits.shape
    answers.check_probabilities(probabilities.numpy(), shape)
    if isinstance(answers, Symbols):
        for part in parts(answers, probabilities):
            torch.testing.assert_close(part.sum(-1), torch.ones(shape))


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_nats_are_the_bits_that_environments_count(answers, shape):
    logits, targets = drawn(answers, *shape)
    logits = logits.clamp(-3, 3)  # so that no probability is clipped
    nats = -readout(answers).log_probability(logits, targets)
    probabilities = readout(answers).probabilities(logits)
    costs = answers.cost_in_bits(probabilities.numpy(), targets.numpy())
    assert nats.shape == shape
    np.testing.assert_allclose(nats.numpy() / np.log(2), costs, rtol=1e-9)
    loss = readout(answers).loss(logits, targets).item()
    assert loss / np.log(2) == pytest.approx(np.mean(costs) / answers.width)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_logits_decode_like_their_probabilities(answers, shape):
    logits, _ = drawn(answers, *shape, dtype=torch.float32)
    decoded = readout(answers).decode(logits)
    assert decoded.dtype == torch.int64
    assert decoded.shape == (*shape, answers.width)
    np.testing.assert_array_equal(decoded, answers.decode(readout(answers).probabilities(logits).numpy()))


def test_ties_decode_to_the_first_class_in_both_ways(answers):
    logits = torch.zeros(3, answers.logits)
    assert not readout(answers).decode(logits).any()
    assert not answers.decode(readout(answers).probabilities(logits).numpy()).any()


def test_logits_near_a_tie_decode_like_their_probabilities():
    logits = torch.tensor([[1e-9]])
    decoded = readout(Bits(1)).decode(logits)
    np.testing.assert_array_equal(decoded, Bits(1).decode(readout(Bits(1)).probabilities(logits).numpy()))


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_log_probability_and_entropy_are_those_of_pytorchs_distributions(answers, shape):
    logits, targets = drawn(answers, *shape)
    logits.requires_grad_()
    own = readout(answers).log_probability(logits, targets), readout(answers).entropy(logits)
    entropy = sum(each.entropy() for each in distributions(answers, logits))
    for mine, theirs in zip(own, (expected_log_probability(answers, logits, targets), entropy), strict=True):
        assert mine.shape == shape
        torch.testing.assert_close(mine, theirs)
        weights = torch.rand(shape, dtype=torch.float64)
        gradients = [torch.autograd.grad((weights * each).sum(), logits)[0] for each in (mine, theirs)]
        torch.testing.assert_close(*gradients)


@pytest.mark.parametrize("answers", ANSWERS[:-1], ids=repr)
def test_gradients_are_those_of_finite_differences(answers):
    logits, targets = drawn(answers, 2)
    logits.requires_grad_()
    own = readout(answers)
    for function in (
        lambda x: own.loss(x, targets),
        lambda x: own.log_probability(x, targets),
        own.entropy,
        own.probabilities,
    ):
        assert torch.autograd.gradcheck(function, logits)


def test_large_logits_have_finite_losses_and_gradients(answers):
    logits, targets = drawn(answers, 4)
    logits = (100 * logits).requires_grad_()
    own = readout(answers)
    for value in (own.loss(logits, targets), own.log_probability(logits, targets), own.entropy(logits)):
        assert value.isfinite().all()
        assert torch.autograd.grad(value.sum(), logits)[0].isfinite().all()


def test_samples_have_the_frequencies_of_their_probabilities():
    for answers in ANSWERS[:-1]:
        logits, _ = drawn(answers, dtype=torch.float32)
        logits, count = logits / 3, 20_000
        samples = readout(answers).sample(logits.expand(count, -1))
        assert samples.dtype == torch.int64
        assert samples.shape == (count, answers.width)
        for each, column in zip(distributions(answers, logits), samples.unbind(-1), strict=True):
            share = torch.stack([1 - each.probs, each.probs]) if isinstance(answers, Bits) else each.probs
            seen = torch.bincount(column, minlength=len(share)) / count
            assert ((seen - share).abs() < 4 * (share * (1 - share) / count).sqrt()).all()


def test_symbols_of_a_sample_and_rows_are_independent():
    for answers in (Bits(2), Symbols((2, 2))):
        logits, count = torch.zeros(2, 10_000, answers.logits), 10_000
        samples = readout(answers).sample(logits).double()
        ones = samples.flatten(0, 1).mean(0)
        assert ((ones - 0.5).abs() < 4 * 0.5 / (2 * count) ** 0.5).all()
        for one, other in (
            (samples[0, :, 0], samples[0, :, 1]),
            (samples[0, :, 0], samples[1, :, 0]),
            (samples[0, :-1, 0], samples[0, 1:, 0]),
        ):
            assert abs(((one - 0.5) * (other - 0.5)).mean()) < 4 * 0.25 / (count - 1) ** 0.5


def test_samples_come_from_the_global_generator(answers):
    logits, _ = drawn(answers, 30)
    samples = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        samples.append(readout(answers).sample(logits.expand(9, -1, -1)))
    assert torch.equal(samples[0], samples[1])
    assert not torch.equal(samples[0], samples[2])
