"""Files of tensors that are never half-written and never executed: safetensors with a JSON header."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from ntm_envs.files import write_atomically


class CheckpointError(Exception):
    """A file is damaged, or it does not belong to what it is to be loaded into."""


def save_tensors(path: Path, tensors: Mapping[str, Tensor], record: Mapping[str, Any]) -> None:
    """Write named tensors and a JSON-able record into one file, atomically."""
    contiguous = {name: tensor.detach().contiguous().clone() for name, tensor in tensors.items()}
    write_atomically(path, save(contiguous, metadata={"record": json.dumps(record)}))


def load_tensors(path: Path) -> tuple[dict[str, Tensor], Any]:
    """Read what `save_tensors` wrote.

    Raises:
        CheckpointError: If the file is not whole.
    """
    try:
        with safe_open(path, framework="pt") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            return tensors, json.loads((file.metadata() or {}).get("record", "null"))
    except (SafetensorError, json.JSONDecodeError) as error:
        raise CheckpointError(f"{path} is not a whole safetensors file: {error}") from error


def check_tensors(path: Path, tensors: Mapping[str, Tensor], expected: Mapping[str, Tensor]) -> None:
    """Compare names, shapes and types before anything is loaded.

    Raises:
        CheckpointError: If one differs.
    """
    for name in expected:
        if name not in tensors:
            raise CheckpointError(f"{path} lacks the tensor {name!r}; it belongs to another model")
    for name, tensor in tensors.items():
        if name not in expected:
            raise CheckpointError(f"{path} has an unknown tensor {name!r}; it belongs to another model")
        want = expected[name]
        if tensor.shape != want.shape or tensor.dtype != want.dtype:
            raise CheckpointError(
                f"{path}: {name!r} is {tensor.dtype} {tuple(tensor.shape)}; "
                f"expected {want.dtype} {tuple(want.shape)}"
            )
