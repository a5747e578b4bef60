"""Fixtures of all tests."""

import os
import random
import signal
import sys
from pathlib import Path

import pytest
from hypothesis import settings

# One thread a process, also in those that tests start: pytest-xdist has the other cores. This has to be set
# before NumPy and torch are imported, hence here.
os.environ["OMP_NUM_THREADS"] = "1"
os.environ["SDL_VIDEODRIVER"] = "dummy"  # windows without a screen

# Shells start what runs in the background with SIGINT ignored, and training leaves ignored signals so; tests
# interrupt trainings.
signal.signal(signal.SIGINT, signal.default_int_handler)

# The same examples each time, and no deadline: machines are shared, and a slow one is not a wrong one.
settings.register_profile("repeatable", derandomize=True, deadline=None, max_examples=30)
settings.load_profile("repeatable")

# What takes long, in groups: each process of pytest-xdist begins with one. The first group compiles the
# kernel, which others then find in Numba's cache; and no two processes build a wheel or start a browser.
LONG = (
    (
        "agents/test_acting.py",
        "agents/training/test_trainer.py",
        "agents/training/test_resuming.py",
        "agents/test_kernel_ntm.py",
        "agents/test_kernel_inference.py",
        "agents/test_machines.py",
    ),
    (
        "packaging/test_distributions.py",
        "packaging/test_wheel.py",
        "leaderboard/page/test_ranking.py",
        "leaderboard/page/test_rows.py",
        "leaderboard/page/test_charts.py",
        "leaderboard/page/test_accessibility.py",
        "leaderboard/test_verify_player.py",
        "docs/test_site.py",
    ),
    (
        "baselines/test_reward_resuming.py",
        "baselines/test_memory_ppo.py",
        "baselines/test_single_file_ppo.py",
        "leaderboard/test_watching.py",
        "leaderboard/test_verify_hostile.py",
    ),
    (
        "leaderboard/cli/test_runs.py",
        "leaderboard/cli/test_bench.py",
        "test_readme.py",
        "leaderboard/test_committed.py",
    ),
)


def pytest_collection_modifyitems(items):
    """Begin with slow tests, for `--dist worksteal`, which takes from the ends of others' parts."""
    if "PYTEST_XDIST_WORKER_COUNT" not in os.environ:
        return
    modules, here = {}, Path(__file__).parent
    for item in items:
        modules.setdefault(Path(os.path.relpath(item.path, here)).as_posix(), []).append(item)
    processes = int(os.environ["PYTEST_XDIST_WORKER_COUNT"])
    parts = [[] for _ in range(processes)]
    for i, group in enumerate(LONG):
        for module in group:
            parts[i % processes] += modules.pop(module, ())
    short, count = [item for module in modules.values() for item in module], len(items)
    items.clear()
    for i, part in enumerate(parts):  # the sizes that worksteal gives them
        space = (count - len(items)) // (processes - i) - len(part)
        items += part + short[: max(0, space)]
        del short[: max(0, space)]


@pytest.fixture(autouse=True)
def seeded():
    """Make unseeded random numbers independent of the tests before."""
    random.seed(0)
    if "numpy" in sys.modules:
        sys.modules["numpy"].random.seed(0)
    if "torch" in sys.modules:
        sys.modules["torch"].manual_seed(0)
