"""What all tests share."""

from hypothesis import settings

# The same examples each time, and no deadline: machines are shared, and a slow one is not a wrong one.
settings.register_profile("repeatable", derandomize=True, deadline=None, max_examples=30)
settings.load_profile("repeatable")

try:
    import torch

    torch.set_num_threads(1)
except ModuleNotFoundError:  # the tests of the environments need NumPy and Gymnasium alone
    pass
