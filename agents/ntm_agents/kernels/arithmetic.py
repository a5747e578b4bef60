"""Exponential and logarithm that vectorise, and plain loops that compile fast: Numba lacks both.

In float32 they are polynomials, from which the compiler makes eight or sixteen at a time; in float64,
which is there for tests, the library's own. Constants have types, as an integer literal turns float32
into float64.

Source of the polynomials: S. L. Moshier, Cephes Math Library (1989), ``expf`` and ``logf``.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic, overload

from ntm_agents.kernels.compilation import inline

Array = np.ndarray[Any, Any]

LINE = 64
"""Bytes of a line of the cache, and of the longest vectors."""

REAL, WHOLE = np.float32, np.int32
ONE, TWO, HALF = REAL(1), REAL(2), REAL(0.5)
LOWEST, HIGHEST = REAL(-87), REAL(88)  # beyond it exp is clamped, so that it stays a normal number
LOG2_E, LN2_HIGH, LN2_LOW = REAL(1.44269504), REAL(0.693359375), REAL(-2.12194440e-4)
E0, E1, E2 = REAL(1.9875691500e-4), REAL(1.3981999507e-3), REAL(8.3334519073e-3)
E3, E4, E5 = REAL(4.1665795894e-2), REAL(1.6666665459e-1), REAL(5.0000001201e-1)
L0, L1, L2 = REAL(7.0376836292e-2), REAL(-1.1514610310e-1), REAL(1.1676998740e-1)
L3, L4, L5 = REAL(-1.2420140846e-1), REAL(1.4249322787e-1), REAL(-1.6668057665e-1)
L6, L7, L8 = REAL(2.0000714765e-1), REAL(-2.4999993993e-1), REAL(3.3333331174e-1)
A1, A2, A3, A4, A5, A6 = (REAL(1 / (2 * i + 1)) for i in range(1, 7))
BIAS, MANTISSA, ROUND = WHOLE(127), WHOLE(23), REAL(127.5)
SQRT_HALF = WHOLE(0x3F3504F3)  # the bits of it


@intrinsic
def _float_of(typing: Any, bits: Any) -> tuple[Any, Callable[..., Any]]:
    """Reinterpret the bits of an int32 as a float32."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.bitcast(arguments[0], ir.FloatType())

    return types.float32(types.int32), generate


@intrinsic
def _bits_of(typing: Any, number: Any) -> tuple[Any, Callable[..., Any]]:
    """Reinterpret the bits of a float32 as an int32."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.bitcast(arguments[0], ir.IntType(32))

    return types.int32(types.float32), generate


@njit(fastmath={"contract"}, error_model="numpy", forceinline=True)
def _exp(x: Any) -> Any:
    """Return 2 ** n times a polynomial in the remainder; relative error 8e-8. NaN stays NaN."""
    x = LOWEST if x < LOWEST else x
    x = HIGHEST if x > HIGHEST else x
    n = WHOLE(WHOLE(x * LOG2_E + ROUND) - BIAS)
    whole = REAL(n)
    rest = x - whole * LN2_HIGH - whole * LN2_LOW
    polynomial = ((((E0 * rest + E1) * rest + E2) * rest + E3) * rest + E4) * rest + E5
    return (polynomial * rest * rest + rest + ONE) * _float_of(WHOLE(WHOLE(n + BIAS) << MANTISSA))  # type: ignore


@njit(fastmath={"contract"}, error_model="numpy", forceinline=True)
def _log(x: Any) -> Any:
    """Return the logarithm of a positive normal number, by a polynomial; relative error 7e-8."""
    bits = _bits_of(x)  # type: ignore
    exponent = WHOLE(WHOLE(bits - SQRT_HALF) >> MANTISSA)
    m = _float_of(WHOLE(bits - WHOLE(exponent << MANTISSA))) - ONE
    square, whole = m * m, REAL(exponent)
    polynomial = ((((L0 * m + L1) * m + L2) * m + L3) * m + L4) * m + L5
    polynomial = ((polynomial * m + L6) * m + L7) * m + L8
    return m + (polynomial * m * square + whole * LN2_LOW - HALF * square) + whole * LN2_HIGH


@njit(fastmath={"contract"}, error_model="numpy", forceinline=True)
def _log1p(x: Any) -> Any:
    """Return the series of 2 artanh(x / (2 + x)) for x from 0 to 1; relative error 2e-7."""
    z = x / (TWO + x)
    square = z * z
    series = (((((A6 * square + A5) * square + A4) * square + A3) * square + A2) * square + A1) * square + ONE
    return TWO * z * series


def exp(x: Any) -> Any:
    """Return the exponential; for use in compiled functions."""
    return math.exp(x)


def log(x: Any) -> Any:
    """Return the natural logarithm of a positive number; for use in compiled functions."""
    return math.log(x)


def log1p(x: Any) -> Any:
    """Return the logarithm of 1 plus a number from 0 to 1; for use in compiled functions."""
    return math.log1p(x)


@overload(exp, strict=False)  # it compares annotations otherwise
def _compiled_exp(x: Any) -> Callable[[Any], Any]:
    return (lambda x: _exp(x)) if x == types.float32 else (lambda x: math.exp(x))


@overload(log, strict=False)
def _compiled_log(x: Any) -> Callable[[Any], Any]:
    return (lambda x: _log(x)) if x == types.float32 else (lambda x: math.log(x))


@overload(log1p, strict=False)
def _compiled_log1p(x: Any) -> Callable[[Any], Any]:
    return (lambda x: _log1p(x)) if x == types.float32 else (lambda x: math.log1p(x))


def empty(shape: tuple[int, ...], kind: Any) -> Array:
    """Return an uninitialised array aligned with cache lines, so that no vector crosses two of them."""
    size, itemsize = math.prod(shape), np.dtype(kind).itemsize
    piece = np.empty(size + LINE // itemsize, kind)
    skipped = -piece.ctypes.data % LINE // itemsize
    return piece[skipped : skipped + size].reshape(shape)


@njit(fastmath=True, error_model="numpy", forceinline=True)
def largest(values: Array) -> Any:
    """Return the largest of values that are not NaN; of others, any number."""
    top = values[0]
    for i in range(1, len(values)):
        top = max(top, values[i])
    return top


@inline
def copy(values: Array, out: Array) -> None:
    """Copy ``[I, J]``; as an assignment of slices it would take seconds to compile."""
    for i in range(len(out)):
        for j in range(out.shape[1]):
            out[i, j] = values[i, j]


@inline
def zero(out: Array) -> None:
    """Fill ``[I]`` with zeros."""
    for i in range(len(out)):
        out[i] = 0


@inline
def add_to(total: Array, values: Array) -> None:
    """Add ``[I, J]`` to a total."""
    for i in range(len(total)):
        for j in range(total.shape[1]):
            total[i, j] += values[i, j]
