"""The wheel is installed into empty environments outside of the repository, and used there."""

import os
import sys
import venv
from pathlib import Path

from distributions import Built, run

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


def install(requirement: str, folder: Path) -> Path:
    """Install into an empty environment and return the folder of its programs."""
    venv.create(folder)
    programs = folder / ("Scripts" if os.name == "nt" else "bin")
    pip = (sys.executable, "-m", "pip", "--python", programs / "python")
    run(*pip, "install", "--no-compile", requirement, cwd=folder)
    return programs


def test_the_plain_wheel_makes_every_environment_with_numpy_and_gymnasium_alone(
    built: Built, tmp_path: Path
) -> None:
    programs = install(str(built.wheel), tmp_path / "env")
    run(programs / "python", "-c", MAKE_EVERY_ENVIRONMENT, cwd=tmp_path)
    lacking = run(programs / "ntm-envs", "tasks", cwd=tmp_path, code=1)
    assert "pip install 'ntm-envs[leaderboard]'" in lacking.stderr


def test_the_wheel_with_the_extra_of_the_command_line_trains_and_evaluates(
    built: Built, tmp_path: Path
) -> None:
    programs = install(f"{built.wheel}[leaderboard]", tmp_path / "env")
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
