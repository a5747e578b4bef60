"""The wheel is installed into empty environments outside of the repository, and used there.

Nothing is fetched: the set-up by `make test` keeps the wheels of the tested versions in .venv/wheels.
"""

import os
import shutil
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
WHEELS = Path(sys.prefix, "wheels")
PACKAGES = ("ntm_envs", "ntm_agents", "ntm_baselines", "ntm_leaderboard")
MAKE_EVERY_ENVIRONMENT = """
import sys
import gymnasium as gym
import ntm_envs

assert ntm_envs.__file__.startswith(sys.prefix), ntm_envs.__file__
for name in ntm_envs.tasks.names():
    env_id = ntm_envs.tasks.spec(name).env_id
    one, many = gym.make(env_id, render_mode="rgb_array"), gym.make_vec(env_id, num_envs=3)
    for env in (one, many):
        env.reset(seed=0)
        env.action_space.seed(0)
        env.step(env.action_space.sample())
    assert one.render().ndim == 3
"""

pytestmark = pytest.mark.skipif(
    not WHEELS.is_dir(), reason=f"needs the wheels that `make test` downloads into {WHEELS}"
)


def run(*command: str | Path, cwd: Path, code: int = 0) -> subprocess.CompletedProcess[str]:
    """Run a program without a package index or Python's variables; check its exit code."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    environ |= {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(WHEELS)}
    done = subprocess.run(command, cwd=cwd, env=environ, capture_output=True, text=True)
    assert done.returncode == code, f"{command} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}"
    return done


def install(requirement: str, folder: Path) -> Path:
    """Install into an empty environment and return the folder of its programs."""
    venv.create(folder)
    programs = folder / ("Scripts" if os.name == "nt" else "bin")
    pip = (sys.executable, "-m", "pip", "--python", programs / "python")
    run(*pip, "install", "--no-compile", requirement, cwd=folder)
    return programs


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    # Built from a copy, by way of a source distribution: nothing left in the repository can get into it.
    folder = tmp_path_factory.mktemp("wheel")
    leave = shutil.ignore_patterns(".*", "__pycache__", "*.egg-info", "build", "bench", "dist", "runs")
    shutil.copytree(ROOT, folder / "source", ignore=leave)
    run(sys.executable, "-m", "build", "--outdir", folder, folder / "source", cwd=folder)
    return next(folder.glob("*.whl"))


def test_the_wheel_holds_the_four_packages_with_their_types_and_nothing_else(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.partition("/")[0] for name in names if ".dist-info/" not in name} == set(PACKAGES)
    assert {f"{package}/py.typed" for package in PACKAGES} <= set(names)
    assert "ntm_agents/pretrained/ntm/copy/model.safetensors" in names


def test_the_plain_wheel_makes_every_environment_with_numpy_and_gymnasium_alone(
    wheel: Path, tmp_path: Path
) -> None:
    programs = install(str(wheel), tmp_path / "env")
    run(programs / "python", "-c", MAKE_EVERY_ENVIRONMENT, cwd=tmp_path)
    lacking = run(programs / "ntm-envs", "tasks", cwd=tmp_path, code=1)
    assert "pip install 'ntm-envs[leaderboard]'" in lacking.stderr


def test_the_wheel_with_the_extra_of_the_command_line_trains_and_evaluates(
    wheel: Path, tmp_path: Path
) -> None:
    programs = install(f"{wheel}[leaderboard]", tmp_path / "env")
    run(programs / "python", "-c", MAKE_EVERY_ENVIRONMENT, cwd=tmp_path)
    assert "ntm_envs/Copy-v0" in run(programs / "ntm-envs", "tasks", cwd=tmp_path).stdout
    run(
        programs / "ntm-envs",
        "train",
        "--agent",
        "lstm",
        "--sequences",
        "64",
        "--output",
        "run",
        cwd=tmp_path,
    )
    run(programs / "ntm-envs", "evaluate", "run", "--up-to", "40", "--sequences", "4", cwd=tmp_path)
    assert (tmp_path / "run" / "result.json").is_file()
    run(programs / "ntm-envs", "leaderboard", "build", "--results", "run", cwd=tmp_path)
    made = {path.name for path in (tmp_path / "site").iterdir()}
    assert made >= {"index.html", "page.css", "page.js", "vega.js", "copy-ntm.png", "copy-ntm.gif"}
    shown = run(
        programs / "ntm-envs", "watch", "--agent", "ntm", "--length", "3", "--fps", "1000", cwd=tmp_path
    )
    assert "step 7 of 7, 0 wrong of 24" in shown.stdout
