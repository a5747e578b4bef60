"""Test that each block of the README and of the tutorials runs, and that each link has a target.

The blocks of a page run in order, in one folder, which at first has nothing but a link to `leaderboard/`.

- A python block whose first line is a comment with a file name, such as `# my_model.py`, is written to that
  file; any other is run by a Python of its own.
- A bash block is run by a shell.
- The pycon blocks of a page are one session of Python, which has to print what the page shows.
- A block behind the line `<!-- not run: REASON -->` is not run, and neither are blocks in other languages.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = [
    "README.md",
    "docs/equations.md",
    "docs/equations-dnc.md",
    "docs/equations-sam.md",
    "docs/equations-dntm.md",
    "docs/equations-mann.md",
    "docs/evaluation.md",
    "docs/faq.md",
    "docs/learning-from-rewards.md",
    "docs/many-computers.md",
    "docs/one-shot.md",
    "docs/own-model.md",
    "docs/own-task.md",
    "docs/quick-start.md",
    "docs/verify-a-row.md",
]
"""The README and the tutorials."""
DOCUMENTS = sorted({str(path.relative_to(ROOT)) for path in (*ROOT.glob("*.md"), *ROOT.glob("[!.]*/*.md"))})
BLOCK = re.compile(r"^(<!-- not run: .+ -->\n)?```([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with the part of a clone that pages use."""
    (tmp_path / "leaderboard").symlink_to(ROOT / "leaderboard")
    return tmp_path


@pytest.mark.parametrize("page", PAGES)
def test_every_block_of_a_page_runs(page: str, folder: Path) -> None:
    programs = Path(sys.executable).parent
    environ = os.environ | {"PATH": f"{programs}{os.pathsep}{os.environ['PATH']}"}
    text = (ROOT / page).read_text(encoding="utf-8")
    for block in BLOCK.finditer(text):
        not_run, language, code = block.groups()
        if not_run or language not in ("python", "bash"):
            continue
        if file := re.match(r"# (\w+\.py)\n", code):
            (folder / file[1]).write_text(code, encoding="utf-8")
            continue
        command = [sys.executable, "-c", code] if language == "python" else ["bash", "-ec", code]
        done = subprocess.run(command, cwd=folder, env=environ, capture_output=True, text=True)
        line = text.count("\n", 0, block.start()) + 1
        assert done.returncode == 0, f"{page}:{line} failed:\n{code}\n{done.stdout}\n{done.stderr}"


@pytest.mark.parametrize("page", PAGES)
def test_every_session_of_a_page_prints_what_it_shows(page: str, folder: Path) -> None:
    blocks = BLOCK.findall((ROOT / page).read_text(encoding="utf-8"))
    session = "".join(code for not_run, language, code in blocks if language == "pycon" and not not_run)
    (folder / "session.txt").write_text(session, encoding="utf-8")
    command = [sys.executable, "-m", "doctest", "session.txt"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, f"{page} shows something else:\n{done.stdout}\n{done.stderr}"


def test_the_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 150


def anchors(page: Path) -> set[str]:
    """Return the anchors of a page: its headings, in the form that GitHub gives them."""
    text = re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    return {
        re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")
        for heading in re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    }


@pytest.mark.parametrize("page", DOCUMENTS)
def test_every_link_leads_somewhere(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    for link in re.findall(r"(?:\]\(|src=\")([^)\s\"]+)", text):
        if re.match(r"\w+:", link):  # another host
            continue
        name, _, anchor = link.partition("#")
        target = (ROOT / page).parent / name if name else ROOT / page
        assert target.exists(), f"{page} links to {link}"
        assert not anchor or anchor in anchors(target), f"{page} links to {link}, which has no such heading"
