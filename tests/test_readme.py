"""Every block of the README and of the pages that teach runs, in order, in one empty folder a page.

- A python block whose first line is a comment with a file name, such as `# my_model.py`, is written to that
  file; any other is run by a Python of its own.
- A bash block is run by a shell.
- A block behind the line `<!-- not run: REASON -->` is left alone, and so are blocks in other languages.
"""

import inspect
import os
import re
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import pytest

from ntm_envs import tasks
from ntm_envs.lookup import load

ROOT = Path(__file__).parents[1]
BLOCK = re.compile(r"^(<!-- not run: .+ -->\n)?```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("page", ["README.md", "docs/reward.md", "docs/tasks.md"])
def test_every_block_of_a_page_runs(page: str, tmp_path: Path) -> None:
    programs = Path(sys.executable).parent
    environ = os.environ | {"PATH": f"{programs}{os.pathsep}{os.environ['PATH']}"}
    text = (ROOT / page).read_text(encoding="utf-8")
    for block in BLOCK.finditer(text):
        not_run, language, code = block.groups()
        if not_run or language not in ("python", "bash"):
            continue
        if file := re.match(r"# (\w+\.py)\n", code):
            (tmp_path / file[1]).write_text(code, encoding="utf-8")
            continue
        command = [sys.executable, "-c", code] if language == "python" else ["bash", "-ec", code]
        done = subprocess.run(command, cwd=tmp_path, env=environ, capture_output=True, text=True)
        line = text.count("\n", 0, block.start()) + 1
        assert done.returncode == 0, f"{page}:{line} failed:\n{code}\n{done.stdout}\n{done.stderr}"


@pytest.mark.parametrize("row", tasks.TABLE, ids=lambda row: row.name)
def test_the_page_of_the_tasks_says_what_they_are(row: tasks.TaskSpec) -> None:
    task = row.make()
    title = row.env_id.removeprefix("ntm_envs/").removesuffix("-v0")
    page = (ROOT / "docs" / "tasks.md").read_text(encoding="utf-8")
    section = page.partition(f"## {title}\n")[2].partition("\n## ")[0]
    diagram = re.search(r"Timing, .+?::\n\n(.+?)\n\n", load(row.task).__doc__, re.DOTALL)
    assert diagram
    assert inspect.cleandoc(diagram[1]) == inspect.cleandoc(
        "\n".join(line for line in section.splitlines() if line.startswith("    "))
    )
    for name in (*task.input_channels, *task.output_channels):
        assert f"`{re.sub(r'[0-9]+$', '0', name)}`" in section
    for last in (task.input_channels[-1], task.output_channels[-1]):
        assert f"`{last}`" in section
    for name, value in row.training.items():
        low, high = value if isinstance(value, tuple) else (None, value)
        assert f"`{name}`" in section
        assert (f"{low} to {high} in training" if low else f"{high} in training") in section
    for field in fields(task):
        value = f'"{field.default}"' if isinstance(field.default, str) else field.default
        assert f"`{field.name}={value}`" in section
