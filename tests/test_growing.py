"""A task is one file more, and a model is one file and one of recipes: tables and tests find them.

The tests add to a copy of the packages, which changes nothing here and proves that the copy suffices.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("ntm_envs", "agents/ntm_agents", "baselines/ntm_baselines", "leaderboard/ntm_leaderboard")
TASK_TESTS = ("tests/envs/test_tasks.py", "tests/envs/test_envs.py")
MODEL_TESTS = ("tests/agents/test_registry.py", "tests/leaderboard/test_ladder.py")
OTHERS = ("pyproject.toml", "tests/conftest.py", "tests/drawing.py", "tests/equality.py")

MAJORITY = '''"""Majority: tell whether there are more ones than zeros."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ntm_envs import keyed
from ntm_envs.tasks.formal.language import Language
from ntm_envs.tasks.formal.tokens import BITS, LADDER, TRAINING, Tokens, tokens
from ntm_envs.tasks.sizes import Integers
from ntm_envs.tasks.spec import TaskSpec


@dataclass(frozen=True, kw_only=True)
class Majority(Language):
    """The agent observes ``length`` L random bits, then outputs 1 if more than half of them are ones.

    Example:
        >>> batch = Majority().episodes([5], length=3)
        >>> batch.inputs[:, 0].astype(int).tolist()
        [[1, 0, 0], [0, 1, 0], [0, 1, 0], [0, 0, 1]]
        >>> batch.targets[-1, 0].tolist()
        [1]
    """

    alphabet = BITS
    output = "majority"
    classes = "01"

    def draw(self, keys: keyed.Keys, sizes: Mapping[str, Integers]) -> tuple[Tokens, Integers]:
        bits = tokens(keys, sizes["length"], 2)
        return bits, ((bits == 1).sum(axis=0, keepdims=True) * 2 > sizes["length"]).astype(int)

    def solve(self, tokens: list[int]) -> list[int]:
        return [int(tokens.count(1) > tokens.count(0))]


ROW = TaskSpec(
    name="majority",
    env_id="ntm_envs/Majority-v0",
    suite="formal",
    order=51,
    task=Majority,
    summary="tell whether there are more ones than zeros",
    training=TRAINING,
    ladders=LADDER,
    small={"length": (1, 6)},
    digest=DIGEST,
)
'''

PAGE = ROOT / "agents/README.md"
"""The page that shows how to add a machine, with all of one: blocks that begin with a file's name."""
BLOCKS = re.compile(r"^```python\n# (agents/\S+\.py)\n(.*?)^```$", re.MULTILINE | re.DOTALL)

SOUND = """
import ntm_envs
from ntm_envs import tasks, testing

row = tasks.spec("majority")
testing.check_task(row.make(), row.training)
assert row in tasks.suite("formal")
print(ntm_envs.__file__, testing.digest(row))
"""

TRAINED = """from pathlib import Path

import ntm_agents
from ntm_agents.testing import check_model
from ntm_leaderboard import cli


def test_recorder_is_sound_and_can_be_trained_and_evaluated(tmp_path):
    from ntm_agents import Recorder

    assert Path(ntm_agents.__file__).is_relative_to(Path(__file__).parents[1])
    check_model(Recorder)
    run = str(tmp_path / "run")
    train = "train --agent recorder --task majority --sequences 64 --output"
    assert not cli.main([*train.split(), run])
    assert not cli.main(["evaluate", run, *"--up-to 40 --sequences 8".split()])
    assert Path(run, "result.json").is_file()
"""


class Copy:
    """A copy of the packages and of some tests, in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        leave = shutil.ignore_patterns("__pycache__")
        for package in PACKAGES:
            shutil.copytree(ROOT / package, folder / package, ignore=leave)
        for name in (*TASK_TESTS, *MODEL_TESTS, *OTHERS):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
        self._roots = [str((folder / package).parent) for package in PACKAGES]

    def add(self, name: str, text: str) -> None:
        assert not (ROOT / name).exists()
        (self.folder / name).write_text(text, encoding="utf-8")

    def run(self, *arguments: str) -> str:
        environ = os.environ | {"PYTHONPATH": os.pathsep.join(self._roots), "PYTHONDONTWRITEBYTECODE": "1"}
        done = subprocess.run(
            [sys.executable, *arguments], cwd=self.folder, env=environ, capture_output=True, text=True
        )
        assert done.returncode == 0, f"{arguments} ended with {done.returncode}:\n{done.stdout}{done.stderr}"
        return done.stdout

    def passed(self, tests: tuple[str, ...], chosen: str) -> int:
        """Run the chosen tests, all of which have to pass, and return their number."""
        output = self.run(
            "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", *tests, "-k", chosen
        )
        found = re.search(r"(\d+) passed", output)
        assert found, output
        return int(found[1])


@pytest.fixture(scope="module")
def grown(tmp_path_factory: pytest.TempPathFactory) -> Copy:
    """Return a copy with one more task."""
    copy, file = Copy(tmp_path_factory.mktemp("copy")), "ntm_envs/tasks/formal/majority.py"
    copy.add(file, MAJORITY.replace("DIGEST", "None"))
    where, digest = copy.run("-c", SOUND).split()
    assert Path(where).is_relative_to(copy.folder.resolve())
    copy.add(file, MAJORITY.replace("DIGEST", f'"{digest}"'))
    return copy


def test_a_task_is_one_file_that_the_generic_tests_find(grown: Copy) -> None:
    # Gymnasium's and Stable-Baselines3's checks, three ways to reset in two modes, JSON, digest, docstring ..
    assert grown.passed(TASK_TESTS, "majority or Majority") > 10


def test_a_machine_is_the_two_files_of_its_page(grown: Copy) -> None:
    files = dict(BLOCKS.findall(PAGE.read_text(encoding="utf-8")))
    assert list(files) == [f"agents/ntm_agents/{folder}/recorder.py" for folder in ("machines", "recipes")]
    for name, text in files.items():
        grown.add(name, text)
    grown.add("tests/test_recorder.py", TRAINED)
    # Its row and recipes can be built, and it steps as it takes whole sequences, on every task.
    assert grown.passed(("tests/test_recorder.py", *MODEL_TESTS), "recorder or Recorder") > 5
