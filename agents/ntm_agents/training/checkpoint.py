"""Files of tensors that are never half-written and never executed: safetensors with a JSON header.

The header holds a record, and the SHA-256 of record and tensors, so that no flipped bit goes unnoticed.
Tensors of one file have names of the form ``part.name``; `named` and `part` add and remove the prefix.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from ntm_envs.files import write_atomically

V = TypeVar("V")


class CheckpointError(Exception):
    """A damaged file, or one that does not belong to the object that it is loaded into."""


def save_tensors(path: Path, tensors: Mapping[str, Tensor], record: Mapping[str, Any]) -> None:
    """Write named tensors and a JSON-able record into one file, atomically."""
    contiguous = {name: tensor.detach().contiguous().clone() for name, tensor in tensors.items()}
    # One entry of metadata, as safetensors writes several in any order.
    text = json.dumps({**record, "sha256": _digest(contiguous, record)})
    write_atomically(path, save(contiguous, metadata={"record": text}))


def load_tensors(path: Path) -> tuple[dict[str, Tensor], Any]:
    """Read what `save_tensors` wrote.

    Raises:
        CheckpointError: If the file is not whole, or its content is not what was written. (Files of earlier
            versions have no digest of it.)
    """
    try:
        data = path.read_bytes()  # safetensors itself opens no paths that are not UTF-8
        # A copy lies in memory as new tensors do. In the file tensors begin at any multiple of their own
        # size, and matrix products round differently where memory is not a multiple of 16 bytes.
        tensors = {name: tensor.clone() for name, tensor in load(data).items()}
        header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
        record = json.loads((header.get("__metadata__") or {}).get("record", "null"))
    except (SafetensorError, json.JSONDecodeError) as error:
        raise CheckpointError(f"{path} is not a whole safetensors file: {error}") from error
    written = record.pop("sha256", None) if isinstance(record, dict) else None
    if written is not None and written != _digest(tensors, record):
        raise CheckpointError(f"{path} is damaged: its content has another SHA-256 than what was written")
    return tensors, record


def _digest(tensors: Mapping[str, Tensor], record: Mapping[str, Any]) -> str:
    digest = hashlib.sha256(json.dumps(record).encode())
    update_digest(digest, tensors)
    return digest.hexdigest()


def update_digest(digest: hashlib._Hash, tensors: Mapping[str, Tensor]) -> None:
    """Add the names, types, shapes and values of tensors to a digest, in the order of their names."""
    for name in sorted(tensors):
        tensor = tensors[name].detach().cpu().contiguous()
        header = json.dumps([name, str(tensor.dtype), list(tensor.shape)])
        digest.update(header.encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().tobytes())


def check_tensors(path: Path, tensors: Mapping[str, Tensor], expected: Mapping[str, Tensor]) -> None:
    """Check names, shapes and types of tensors before any is loaded.

    Raises:
        CheckpointError: If one differs.
    """
    for name, want in expected.items():
        if (tensor := tensors.get(name)) is None:
            raise CheckpointError(f"{path} lacks the tensor {name!r}; it belongs to another model")
        if tensor.shape != want.shape or tensor.dtype != want.dtype:
            raise CheckpointError(
                f"{path}: {name!r} is {tensor.dtype} {tuple(tensor.shape)}; "
                f"expected {want.dtype} {tuple(want.shape)}"
            )
    for name in tensors:
        if name not in expected:
            raise CheckpointError(f"{path} has an unknown tensor {name!r}; it belongs to another model")


def named(prefix: str, tensors: Mapping[str, V]) -> dict[str, V]:
    """Return tensors as the part ``prefix`` of a file."""
    return {f"{prefix}.{name}": tensor for name, tensor in tensors.items()}


def part(tensors: Mapping[str, V], prefix: str) -> dict[str, V]:
    """Return the part ``prefix`` of a file's tensors."""
    length = len(prefix) + 1
    return {name[length:]: tensor for name, tensor in tensors.items() if name.startswith(f"{prefix}.")}


def optimizer_tensors(optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    """Return an optimizer's state as tensors named ``index.name``, by the index of their parameter."""
    return {
        f"{index}.{name}": tensor
        for index, values in optimizer.state_dict()["state"].items()
        for name, tensor in values.items()
    }


def allocate_optimizer(optimizer: torch.optim.Optimizer, tensors: Mapping[str, Tensor]) -> None:
    """Give a new optimizer a state for the parameters that have one in a checkpoint.

    There is none before the first update, and never one of parameters that no gradient has reached. The
    optimizer makes its tensors itself, in a step of length zero; their values are filled in later
    (`fill_optimizer`).

    Args:
        optimizer: An optimizer with one group of parameters.
        tensors: What `optimizer_tensors` returned.
    """
    moved = {name.partition(".")[0] for name in tensors}
    if not moved:
        return
    (group,) = optimizer.param_groups
    for index, parameter in enumerate(group["params"]):
        parameter.grad = torch.zeros_like(parameter) if str(index) in moved else None
    rate, group["lr"] = group["lr"], 0.0
    optimizer.step()
    group["lr"] = rate


def fill_optimizer(optimizer: torch.optim.Optimizer, tensors: Mapping[str, Tensor]) -> None:
    """Set the values of an optimizer's state, which has to have the tensors already."""
    state = optimizer.state_dict()
    for index, values in state["state"].items():
        for name in values:
            values[name] = tensors[f"{index}.{name}"]
    optimizer.load_state_dict(state)
