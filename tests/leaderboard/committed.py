"""The committed results, and a mark for tests that need their weights."""

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
RESULTS = ROOT / "leaderboard" / "results"

needs_weights = pytest.mark.skipif(
    (ROOT / "PKG-INFO").exists(),
    reason="a source distribution leaves out the weights of committed runs; a clone has them",
)
