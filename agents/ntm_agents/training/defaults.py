"""PyTorch's global settings while a run is at work, which it must not depend on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import torch


@contextmanager
def own_defaults() -> Iterator[None]:
    """Have PyTorch's own defaults, and the caller's again afterwards.

    New tensors are float32 and on the CPU, gradients are computed, and types are not chosen by autocast.

    Example:
        >>> with torch.no_grad(), own_defaults():
        ...     torch.is_grad_enabled()
        True
    """
    dtype = torch.get_default_dtype()
    with ExitStack() as stack:
        stack.enter_context(torch.inference_mode(False))
        stack.enter_context(torch.enable_grad())
        for device in ("cpu", "cuda"):
            if torch.is_autocast_enabled(device):
                stack.enter_context(torch.autocast(device, enabled=False))
        if torch.get_default_device().type != "cpu":  # a context of a device costs time at each operation
            stack.enter_context(torch.device("cpu"))
        torch.set_default_dtype(torch.float32)
        try:
            yield
        finally:
            torch.set_default_dtype(dtype)
