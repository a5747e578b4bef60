"""Fast paths of machines: the same numbers as their plain PyTorch, by test, in a fraction of the time.

A machine's recurrence is one `torch.autograd.Function` whose forward and backward are written out in Numba
(`ntm.py` on top of `recurrence.py` for the NTM); what comes before and after it stays in PyTorch. Another
machine is another such pair, and shares `arithmetic.py` and `products.py`. Without gradients the NTM's goes
through `inference.py`, on top of `cut.py`.
"""
