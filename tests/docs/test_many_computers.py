"""The script for Slurm runs every shard once, and reads nothing but its index."""

import re
import subprocess
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "many-computers.md"


def test_the_array_runs_every_shard_once_and_reads_nothing_but_its_index(tmp_path):
    (script,) = re.findall(r"```sh\n(.+?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    srun = tmp_path / "srun"
    srun.write_text('#!/bin/sh\necho "$@"\n', encoding="utf-8")
    srun.chmod(0o755)
    first, last = map(int, re.search(r"^#SBATCH --array=(\d+)-(\d+)$", script, re.MULTILINE).groups())
    commands = []
    for index in range(first, last + 1):
        environ = {"PATH": f"{tmp_path}:/usr/bin:/bin", "SLURM_ARRAY_TASK_ID": str(index)}
        command = ["sh", "-eu", "-c", script]  # -u: it reads no variable that is not there
        commands.append(
            subprocess.run(command, env=environ, capture_output=True, text=True, check=True).stdout
        )
    words = [command.split() for command in commands]
    assert [word[-1] for word in words] == [f"{i}/{last}" for i in range(1, last + 1)]
    assert len({" ".join(word[:-1]) for word in words}) == 1
    assert words[0][:2] == ["ntm-envs", "bench"]
