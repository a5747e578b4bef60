"""Subnormal numbers (below 1.2e-38 in single precision), which a kernel treats as zero.

A sharp weighting is full of them, and so is a memory that is erased again and again. Some processors,
Intel's among them, compute with each many times as long as with any other number. The caller's
computations are not affected: a kernel restores the processor's mode.
"""

from __future__ import annotations

import platform
from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

X86 = platform.machine().lower() in ("x86_64", "amd64")
ARM = platform.machine().lower() in ("aarch64", "arm64")
SWITCHES = 0x8040 if X86 else 1 << 24
"""Bits of the control register that flush subnormal results and, on x86, operands to zero."""
WORD = ir.IntType(32 if X86 else 64)


def _read(builder: Any) -> Any:
    """Return the value of the control register; 0 on an unsupported processor."""
    if ARM:
        kind = ir.FunctionType(WORD, ())
        return builder.call(cgutils.get_or_insert_function(builder.module, kind, "llvm.aarch64.get.fpcr"), ())
    if not X86:
        return WORD(0)
    place = cgutils.alloca_once(builder, WORD)
    _call_with(builder, "llvm.x86.sse.stmxcsr", place)
    return builder.load(place)


def _write(builder: Any, value: Any) -> None:
    if ARM:
        kind = ir.FunctionType(ir.VoidType(), (WORD,))
        function = cgutils.get_or_insert_function(builder.module, kind, "llvm.aarch64.set.fpcr")
        builder.call(function, (value,))
    if X86:
        place = cgutils.alloca_once(builder, WORD)
        builder.store(value, place)
        _call_with(builder, "llvm.x86.sse.ldmxcsr", place)


def _call_with(builder: Any, name: str, place: Any) -> None:
    pointer = ir.IntType(8).as_pointer()
    function = cgutils.get_or_insert_function(
        builder.module, ir.FunctionType(ir.VoidType(), (pointer,)), name
    )
    builder.call(function, (builder.bitcast(place, pointer),))


@intrinsic
def flush(typing: Any) -> tuple[Any, Callable[..., Any]]:
    """Treat subnormal numbers as zero; return the argument of `restore`. For compiled functions."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        before = _read(builder)
        _write(builder, builder.or_(before, WORD(SWITCHES)))
        return builder.zext(before, ir.IntType(64)) if X86 else before

    return types.int64(), generate


@intrinsic
def restore(typing: Any, before: Any) -> tuple[Any, Callable[..., Any]]:
    """Treat subnormal numbers as before `flush`."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        _write(builder, builder.trunc(arguments[0], WORD) if X86 else arguments[0])
        return context.get_dummy_value()

    return types.void(types.int64), generate
