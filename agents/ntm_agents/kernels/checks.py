"""Checks of the tensors that compiled loops read and write: they would go out of bounds otherwise."""

from __future__ import annotations

import torch
from torch import Tensor

DTYPES = (torch.float32, torch.float64)
Expected = list[tuple[str, Tensor, tuple[int, ...]]]
"""Name, tensor and expected shape of each."""


def check_tensors(like: str, dtype: torch.dtype, expected: Expected, why: str) -> None:
    """Check that tensors have a shape and a type, and are on the CPU.

    Args:
        like: Name of the tensor whose type all are to have.
        dtype: This type.
        expected: Name, tensor and shape of each.
        why: Where the shapes come from, for the message.

    Raises:
        ValueError: If one does not; the message names it.
    """
    if dtype not in DTYPES:
        raise ValueError(f"{like} is {dtype}; expected torch.float32 or torch.float64")
    for name, tensor, shape in expected:
        if tensor.shape != shape:
            raise ValueError(f"{name} has shape {tuple(tensor.shape)}; expected {shape}, as {why}")
        if tensor.dtype != dtype or tensor.device.type != "cpu":
            raise ValueError(
                f"{name} is {tensor.dtype} on {tensor.device}; expected {dtype}, as {like}, on cpu"
            )


def dimensions(name: str, tensor: Tensor, count: int) -> torch.Size:
    """Return the shape of a tensor, which must have so many dimensions."""
    if tensor.dim() != count:
        raise ValueError(f"{name} has shape {tuple(tensor.shape)}; expected {count} dimensions")
    return tensor.shape


def check_integers(
    name: str, tensor: Tensor, shape: tuple[int, ...], dtype: torch.dtype = torch.int64
) -> None:
    """Check that a tensor of integers has a shape and a type, and is on the CPU.

    Raises:
        ValueError: If it does not; the message names it.
    """
    if tensor.dtype != dtype or tensor.device.type != "cpu" or tensor.shape != shape:
        raise ValueError(
            f"{name} is {tensor.dtype} {tuple(tensor.shape)} on {tensor.device}; expected {dtype} "
            f"{tuple(shape)} on cpu"
        )


def check_indices(name: str, indices: Tensor, slots: int) -> None:
    """Check that indices are slots, of which there are so many.

    Raises:
        ValueError: If one is not; the message names the tensor.
    """
    if indices.numel() and not 0 <= int(indices.min()) <= int(indices.max()) < slots:
        raise ValueError(f"{name} has values outside 0 to {slots - 1}, the slots")
