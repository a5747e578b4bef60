"""Parts of the fused kernels, each on its own."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numba import njit

from ntm_agents.kernels import arithmetic, products, subnormals


@njit
def _map(values, out, logarithm):
    for i in range(len(values)):
        out[i] = arithmetic.log(values[i]) if logarithm else arithmetic.exp(values[i])


@njit
def _log1p(x):
    return arithmetic.log1p(x)


def test_exponentials_and_logarithms_are_right_to_single_precision():
    x = np.concatenate([np.linspace(-86, 87, 20001), np.linspace(-1e-3, 1e-3, 1001)]).astype(np.float32)
    out = np.empty_like(x)
    _map(x, out, False)
    np.testing.assert_allclose(out, np.exp(x.astype(np.float64)), rtol=2e-7)
    positive = np.exp(np.linspace(-69, 69, 20001)).astype(np.float32)
    out = np.empty_like(positive)
    _map(positive, out, True)
    np.testing.assert_allclose(out, np.log(positive.astype(np.float64)), rtol=2e-7, atol=1e-7)
    for smaller in (np.float32(1), np.float32(1e-3), np.float32(1e-30)):
        small = np.linspace(0, 1, 1001, dtype=np.float32) * smaller
        np.testing.assert_allclose([_log1p(x) for x in small], np.log1p(small.astype(np.float64)), rtol=3e-7)
    edge = np.array([np.nan, np.inf, -np.inf, 1000, -1000], np.float32)
    out = np.empty_like(edge)
    _map(edge, out, False)
    assert np.isnan(out[0])
    assert (out[[1, 3]] > 1e38).all()
    assert (out[[2, 4]] < 1e-37).all()


@njit
def multiply(a, first, weights, panels, out):
    products.pack(weights, panels)
    products.add_product(a, first, panels, out)


@settings(derandomize=True, deadline=None, max_examples=50)
@given(
    rows=st.integers(0, 9),
    terms=st.integers(0, 13),
    columns=st.integers(1, 40),
    more=st.integers(2, 20),
    single=st.booleans(),
    turned=st.booleans(),
)
def test_products_are_those_of_numpy(rows, terms, columns, more, single, turned):
    rng, kind = np.random.default_rng(0), np.float32 if single else np.float64
    a, b, out = (
        rng.standard_normal(shape) for shape in ((rows, terms), (terms, columns), (rows, columns + more))
    )
    expected = out.copy()
    expected[:, :columns] += a @ b
    out = out.astype(kind)
    weights = np.array(b, kind, order="F" if turned else "C")
    multiply(np.concatenate((out[:, :2], a), 1).astype(kind), 2, weights, products.panels(weights), out)
    tolerance = 1e-5 if single else 1e-12
    np.testing.assert_allclose(out, expected, rtol=tolerance, atol=tolerance)


@njit
def _halve(numbers, out):
    before = subnormals.flush()
    for i in range(len(numbers)):
        out[i] = numbers[i] * np.float32(0.5)
    subnormals.restore(before)


@pytest.mark.skipif(not (subnormals.X86 or subnormals.ARM), reason="left as they are on other processors")
def test_subnormal_numbers_are_zero_in_a_kernel_alone():
    numbers = np.full(100, np.finfo(np.float32).tiny)
    out = np.ones_like(numbers)
    _halve(numbers, out)
    assert np.all(out == 0)
    assert np.all(numbers * np.float32(0.5) > 0)
