"""Whether PyTorch itself observes each operation of a model, which a compiled kernel would hide from it.

Tracing would record the results of the kernel as constants, and a transform would leave out what the kernel
computes.

Example:
    >>> observer()
    ''
    >>> torch.func.vmap(lambda x: (print(observer()), x)[1])(torch.zeros(2))
    a transform of torch.func
    tensor([0., 0.])
"""

from __future__ import annotations

import torch
from torch.autograd import forward_ad


def observer() -> str:
    """Return the name of what observes each operation at present, or an empty string."""
    if torch.compiler.is_compiling():
        return "torch.compile or torch.export"
    if torch._C._is_tracing():
        return "torch.jit.trace"
    # There are no public functions for the following; autograd itself asks these.
    if torch._C._are_functorch_transforms_active():
        return "a transform of torch.func"
    if forward_ad._current_level >= 0:
        return "forward-mode differentiation"
    if torch._C._len_torch_dispatch_stack():
        return "a mode of torch.utils._python_dispatch, such as that of make_fx or FlopCounterMode"
    return ""
