"""Fixtures of tests of submissions; a module that uses them is marked with `short_ladder`."""

import shutil
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from submissions import FEW, NONCE, OWN_MODEL, play, trained, with_own_model

from ntm_leaderboard.board import numbers, submission, verify
from ntm_leaderboard.harness import ladder


def draw(count):
    """Return what a verifier draws, here always the same: chance does not decide on a test."""
    assert count == 32
    return NONCE


@pytest.fixture(scope="module")
def short_ladder():
    with pytest.MonkeyPatch.context() as patch:
        for module in (verify, numbers):
            patch.setattr(module, "rungs_of", lambda spec: ladder.rungs_of(spec, **FEW))
        patch.setattr(verify, "secrets", SimpleNamespace(token_hex=draw))
        yield


@pytest.fixture(scope="module")
def made(short_ladder, tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    return [trained(folder / f"seed-{seed}", seed) for seed in (0, 1)]


@pytest.fixture(scope="module")
def honest(made, tmp_path_factory):
    """A submission that tests do not change."""
    return submission.pack([made[0].parent], tmp_path_factory.mktemp("honest") / "submission")


@pytest.fixture
def packed(honest, tmp_path):
    """A fresh submission: `tmp_path / "submission"`."""
    whole = honest[0].parents[2]
    shutil.copytree(whole, tmp_path / "submission")
    return [tmp_path / "submission" / folder.relative_to(whole) for folder in honest]


@pytest.fixture(scope="module")
def played(honest):
    """Results of a verifier, on sequences that it draws and on those of the claim."""
    nonce = verify.check(honest[0]).nonce
    return play(honest[0]).result, play(honest[0], nonce=nonce).result


@pytest.fixture(scope="module")
def packed_own(short_ladder, tmp_path_factory):
    return with_own_model(tmp_path_factory.mktemp("own"))


@pytest.fixture
def own_model(packed_own, tmp_path):
    """Return a function that makes a submission with code of its own, which may do something only later."""

    def make(act="pass"):
        packed, marker = packed_own
        marker.unlink(missing_ok=True)
        folder = shutil.copytree(packed, tmp_path / "own", dirs_exist_ok=True)
        if act != "pass":
            (folder / "my_model.py").write_text(
                OWN_MODEL.format(marker=str(marker), act=act), encoding="utf-8"
            )
        return folder, marker

    return make
