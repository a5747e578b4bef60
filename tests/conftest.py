"""What all tests share."""

import os
import random
import sys

import pytest
from hypothesis import settings

# One thread a process, also in those that tests start: pytest-xdist has the other cores. This has to be set
# before NumPy and torch are imported, hence here.
os.environ["OMP_NUM_THREADS"] = "1"
os.environ["SDL_VIDEODRIVER"] = "dummy"  # windows without a screen

# The same examples each time, and no deadline: machines are shared, and a slow one is not a wrong one.
settings.register_profile("repeatable", derandomize=True, deadline=None, max_examples=30)
settings.load_profile("repeatable")


@pytest.fixture(autouse=True)
def seeded():
    """Random numbers that nobody asked a seed for do not depend on the tests before."""
    random.seed(0)
    if "numpy" in sys.modules:
        sys.modules["numpy"].random.seed(0)
    if "torch" in sys.modules:
        sys.modules["torch"].manual_seed(0)
