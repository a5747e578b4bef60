"""Products of the few rows of a tile with weights that stay the same for a whole sequence.

The weights are packed once into panels, as wide as a row of sums that fits into a vector register or two.
The sums of a few rows then stay in registers until all terms are added. No loop in Python can promise
that, so the innermost part is written in LLVM's own language, and LLVM allocates the registers.
General libraries pack their operands at each call, which for so few rows costs more than the product.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from ntm_agents.kernels.arithmetic import Array, empty
from ntm_agents.kernels.compilation import inline

PANEL = 64
"""Bytes of a panel's row."""


def panels(weights: Array) -> Array:
    """Return room for weights ``[K, J]`` as panels ``[J / L, K, L]``."""
    lanes = PANEL // weights.itemsize
    terms, columns = weights.shape
    return empty((-(-columns // lanes), terms, lanes), weights.dtype)


@inline
def pack(weights: Array, panels: Array) -> None:
    """Write weights ``[K, J]`` as panels, filled up with zeros, for `add_product`."""
    terms, columns = weights.shape
    lanes, zero = PANEL // weights.itemsize, weights.dtype.type(0)
    for i in range(len(panels)):
        at, panel = i * lanes, panels[i]
        if at + lanes <= columns:
            for k in range(terms):
                for j in range(lanes):
                    panel[k, j] = weights[k, at + j]
        else:
            for k in range(terms):
                for j in range(lanes):
                    panel[k, j] = weights[k, at + j] if at + j < columns else zero


def _block(rows: int, unroll: int, packed: bool = True, turned: bool = False) -> Any:
    """Return a function that adds the product of rows ``[rows, >= first + K]`` with a panel ``[K, L]``.

    It is added to the columns of ``[rows, J]`` from `at` on. `unroll` terms at a time go into sums of their
    own, which are added in the end, so that there is enough to do while a sum is under way. If it is not
    packed, the panel is that of a matrix ``[K, >= at + L]`` from the same column on. If they are turned, the
    rows are columns of ``[K, >= first + rows]``.
    """

    @intrinsic
    def add_block(
        typing: Any, a: Any, first: Any, panel: Any, out: Any, at: Any
    ) -> tuple[Any, Callable[..., Any]]:
        def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
            number = context.get_value_type(a.dtype)
            size = context.get_abi_sizeof(number)
            lanes = PANEL // size
            vector, word = ir.VectorType(number, lanes), ir.IntType(64)
            everywhere = ir.Constant(ir.VectorType(ir.IntType(32), lanes), [0] * lanes)
            contract = ("contract",)  # LLVM may make one operation of product and sum
            a_, panel_, out_ = (
                context.make_array(kind)(context, builder, value=value)
                for kind, value in ((a, values[0]), (panel, values[2]), (out, values[3]))
            )
            terms = cgutils.unpack_tuple(builder, panel_.shape)[0]

            def pointers(array: Any, offset: Any) -> list[Any]:
                stride = cgutils.unpack_tuple(builder, array.strides)[0]
                start = builder.add(builder.ptrtoint(array.data, word), offset)
                return [builder.add(start, builder.mul(stride, word(row))) for row in range(rows)]

            def add_terms(sums: Any, start: Any) -> tuple[Any, Any]:
                """Loop over terms as long as there are as many as there are sets of sums."""
                entry = builder.block
                head, body, done = (builder.append_basic_block(name) for name in ("head", "body", "done"))
                builder.branch(head)
                builder.position_at_end(head)
                k = builder.phi(word)
                k.add_incoming(start, entry)
                running = [[builder.phi(vector) for _ in row] for row in sums]
                after = builder.add(k, word(len(sums)))
                builder.cbranch(builder.icmp_signed("<=", after, terms), body, done)
                builder.position_at_end(body)
                for u in range(len(sums)):
                    term = builder.add(k, word(u))
                    weights = load(vector, builder.add(panel_start, builder.mul(term, spacing)))
                    for row in range(rows):
                        factor = load(number, builder.add(a_rows[row], builder.mul(term, step)))
                        factor = builder.insert_element(vector(ir.Undefined), factor, ir.IntType(32)(0))
                        factor = builder.shuffle_vector(factor, vector(ir.Undefined), everywhere)
                        product = builder.fmul(factor, weights, flags=contract)
                        running[u][row].add_incoming(sums[u][row], entry)
                        running[u][row].add_incoming(
                            builder.fadd(running[u][row], product, flags=contract), body
                        )
                k.add_incoming(after, body)
                builder.branch(head)
                builder.position_at_end(done)
                return running, k

            def load(kind: Any, address: Any) -> Any:
                return builder.load(builder.inttoptr(address, kind.as_pointer()), align=size)

            panel_start, spacing = builder.ptrtoint(panel_.data, word), word(PANEL)
            if not packed:
                panel_start = builder.add(panel_start, builder.mul(values[4], word(size)))
                spacing = cgutils.unpack_tuple(builder, panel_.strides)[0]
            a_rows, step = pointers(a_, builder.mul(values[1], word(size))), word(size)
            if turned:
                a_rows = [builder.add(a_rows[0], word(size * row)) for row in range(rows)]
                step = cgutils.unpack_tuple(builder, a_.strides)[0]
            out_rows = pointers(out_, builder.mul(values[4], word(size)))
            left = builder.sub(cgutils.unpack_tuple(builder, out_.shape)[1], values[4])
            narrow = builder.icmp_signed("<", left, word(lanes))  # than the panel: then it goes by a detour
            room = cgutils.alloca_once(builder, ir.ArrayType(vector, rows))
            room_rows = [builder.add(builder.ptrtoint(room, word), word(PANEL * row)) for row in range(rows)]
            byte = ir.IntType(8).as_pointer()

            def move(sources: list[Any], targets: list[Any]) -> None:
                with builder.if_then(narrow):
                    for source, target in zip(sources, targets, strict=True):
                        ends = (builder.inttoptr(address, byte) for address in (target, source))
                        cgutils.raw_memcpy(builder, *ends, left, size)  # type: ignore[call-arg]

            move(out_rows, room_rows)
            sum_rows = [builder.select(narrow, *both) for both in zip(room_rows, out_rows, strict=True)]
            zeros = [vector([0.0] * lanes)] * rows
            sums, k = add_terms([[load(vector, row) for row in sum_rows]] + [zeros] * (unroll - 1), word(0))
            total = sums[0]
            for others in sums[1:]:
                total = [builder.fadd(one, other) for one, other in zip(total, others, strict=True)]
            if unroll > 1:
                (total,), _ = add_terms([total], k)
            for address, value in zip(sum_rows, total, strict=True):
                builder.store(value, builder.inttoptr(address, vector.as_pointer()), align=size)
            move(room_rows, out_rows)
            return context.get_dummy_value()

        return types.void(a, types.int64, panel, out, types.int64), generate

    return add_block


_add_four, _add_one = _block(4, 1), _block(1, 4)  # a processor has about eight sums under way
_add_four_spaced, _add_one_spaced = _block(4, 1, packed=False), _block(1, 4, packed=False)
_add_four_turned, _add_one_turned = (_block(rows, 1, packed=False, turned=True) for rows in (4, 1))


@inline
def add_product(a: Array, first: int, panels: Array, out: Array) -> None:
    """Add the product of K columns of ``[I, >= K]``, from the first on, and packed weights to ``[I, J]``."""
    for i in range(len(panels)):
        at, row = i * panels.shape[2], 0
        while row + 3 < len(out):
            _add_four(a[row : row + 4], first, panels[i], out[row : row + 4], at)
            row += 4
        while row < len(out):
            _add_one(a[row : row + 1], first, panels[i], out[row : row + 1], at)
            row += 1


@inline
def add_spaced_product(a: Array, first: int, matrix: Array, out: Array) -> None:
    """Add the product of K columns of ``[I, >= K]``, from the first on, and a matrix, which is not packed.

    Args:
        a: ``[I, >= first + K]``.
        first: Its first column.
        matrix: ``[K, S]``, whose rows are whole numbers of panels.
        out: Added to, ``[I, J]`` with J at most S.
    """
    lanes = PANEL // matrix.itemsize
    for at in range(0, out.shape[1], lanes):
        row = 0
        while row + 3 < len(out):
            _add_four_spaced(a[row : row + 4], first, matrix, out[row : row + 4], at)
            row += 4
        while row < len(out):
            _add_one_spaced(a[row : row + 1], first, matrix, out[row : row + 1], at)
            row += 1


@inline
def add_turned_product(a: Array, first: int, matrix: Array, out: Array) -> None:
    """Add the product of I columns of ``[K, >= first + I]``, from the first on, as rows, and a matrix.

    Args:
        a: ``[K, >= first + I]``.
        first: Its first column.
        matrix: ``[K, S]``, whose rows are whole numbers of panels.
        out: Added to, ``[I, J]`` with J at most S.
    """
    lanes = PANEL // matrix.itemsize
    for at in range(0, out.shape[1], lanes):
        row = 0
        while row + 3 < len(out):
            _add_four_turned(a, first + row, matrix, out[row : row + 4], at)
            row += 4
        while row < len(out):
            _add_one_turned(a, first + row, matrix, out[row : row + 1], at)
            row += 1
