"""A job on another machine: its files and those of the user go there, and what changes comes back."""

import os
import sys
import time
from pathlib import Path

import pytest
from own_files import MODEL, TASK

from ntm_envs.lookup import load
from ntm_leaderboard.harness import shipping

NEIGHBOUR = "from torch import nn\n\n\ndef linear(width, outputs):\n    return nn.Linear(width, outputs)\n"
USES_NEIGHBOUR = MODEL.replace("class Mine", "import layers\n\n\nclass Mine", 1).replace(
    "nn.Linear(input_size", "layers.linear(input_size"
)
STOPS = """
import time
from pathlib import Path

Path({folder!r}, "begun").touch()
while True:
    time.sleep(600)
"""


def work(commands, files=None, sources=None, folder=Path("out/0"), seconds=600.0):
    here = Path("/nowhere/home")
    return shipping.work(commands, files or {}, sources or {}, folder=folder, here=here, seconds=seconds)


def test_a_job_trains_with_files_that_this_machine_has_nowhere():
    sources = {
        "nowhere/home/mine.py": USES_NEIGHBOUR.encode(),
        "nowhere/home/layers.py": NEIGHBOUR.encode(),
        "nowhere/short.py": TASK.encode(),
    }
    train = ["train", "--agent", "/nowhere/home/mine.py:Mine", "--task", "/nowhere/short.py:SHORT"]
    train += ["--sequences", "64", "--batch-size", "16", "--output", Path()]
    begun, *news = work([train], sources=sources)
    assert begun == shipping.News()
    assert [each.over for each in news] == [True]
    assert news[-1].failure is None
    files = news[-1].files
    assert {"config.json", "log.txt", "metrics.jsonl", "model.safetensors", "summary.json"} == set(files)
    assert b'"/nowhere/home/mine.py:Mine"' in files["config.json"]  # as where the job comes from
    assert b'"/nowhere/short.py:SHORT"' in files["config.json"]


def test_a_failure_names_the_folder_that_the_job_comes_from():
    files = {"result.json": b"{}"}
    *_, last = work([["evaluate", Path()]], files, folder=Path("out/short/lstm"))
    assert last.over
    assert last.failure.reason.startswith("out/short/lstm/result.json is not a result")
    assert last.failure.log == Path("out/short/lstm/log.txt")
    assert set(last.files) == {"log.txt"}  # nothing else has changed


def test_a_job_that_is_not_wanted_any_longer_stops_and_leaves_no_folder(tmp_path, monkeypatch):
    monkeypatch.setattr(shipping.tempfile, "tempdir", str(tmp_path))
    source = STOPS.format(folder=str(tmp_path / "marks"))
    (tmp_path / "marks").mkdir()
    train = ["train", "--agent", "/nowhere/home/stops.py:Stops", "--output", Path()]
    news = work([train], sources={"nowhere/home/stops.py": source.encode()}, seconds=0.0)
    for _ in news:
        if (tmp_path / "marks" / "begun").exists():
            break
        time.sleep(0.02)
    news.close()
    assert [path.name for path in tmp_path.iterdir()] == ["marks"]


def test_news_are_what_is_new_has_changed_or_is_gone(tmp_path):
    def told(seen):
        news, stamps = shipping._news(tmp_path, seen)
        return news.files, set(news.gone), stamps

    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "a").write_bytes(b"1")
    (tmp_path / "b").write_bytes(b"2")
    (tmp_path / ".job.lock").write_bytes(b"")
    (tmp_path / ".b.0123").write_bytes(b"half")  # as an atomic write does
    files, gone, seen = told({})
    assert files == {"sub/a": b"1", "b": b"2"} == shipping.contents(tmp_path)
    assert not gone
    assert told(seen)[:2] == ({}, set())
    (tmp_path / "b").unlink()
    stat = (tmp_path / "sub" / "a").stat()
    (tmp_path / "new").write_bytes(b"3")
    os.utime(tmp_path / "new", ns=(stat.st_atime_ns, stat.st_mtime_ns))
    (tmp_path / "new").replace(tmp_path / "sub" / "a")  # of the same size, within a tick of the clock
    assert told(seen)[:2] == ({"sub/a": b"3"}, {"b"})


def test_no_moment_has_a_checkpoint_without_its_lines_or_a_result_without_its_weights(tmp_path, monkeypatch):
    for i, name in enumerate(["metrics.jsonl", "checkpoint.safetensors", "model.safetensors", "result.json"]):
        (tmp_path / name).write_bytes(b"")
        os.utime(tmp_path / name, (i, i))
    assert list(shipping.contents(tmp_path)) == [  # lines are read last, and so are there
        "checkpoint.safetensors", "model.safetensors", "result.json", "metrics.jsonl",
    ]  # fmt: skip
    written = []
    monkeypatch.setattr(shipping, "write_atomically", lambda path, data: written.append(path.name))
    shipping.write(tmp_path / "there", shipping.contents(tmp_path))
    assert written == ["metrics.jsonl", "checkpoint.safetensors", "model.safetensors", "result.json"]


def test_sources_are_the_files_of_the_user_and_their_neighbours(tmp_path, monkeypatch):
    home, other = tmp_path / "home", tmp_path / "other"
    for folder, n in ((home, 1), (other, 2)):
        folder.mkdir()
        (folder / f"shipped_{n}.py").write_text("", encoding="utf-8")
        (folder / "mine.py").write_text(f"import shipped_{n}\nMINE = {n}\n", encoding="utf-8")
        (folder / "unused.py").write_text("", encoding="utf-8")
    monkeypatch.chdir(home)
    monkeypatch.setattr(sys, "path", list(sys.path))
    for reference in ("./mine.py:MINE", f"{other}/mine.py:MINE"):
        load(reference)
    names = {name for name in shipping.sources() if name.startswith(tmp_path.as_posix()[1:])}
    expected = [home / "mine.py", home / "shipped_1.py", other / "mine.py", other / "shipped_2.py"]
    assert names == {path.as_posix()[1:] for path in expected}
    assert not [name for name in shipping.sources() if "site-packages" in name or "/ntm_" in name]


@pytest.mark.parametrize("code", ["raise SystemExit", "import os; os.abort()"])
def test_a_job_ends_however_its_command_does(code):
    sources = {"nowhere/home/ends.py": code.encode()}
    *_, last = work([["train", "--agent", "/nowhere/home/ends.py:Ends", "--output", Path()]], sources=sources)
    assert last.over
    assert (last.failure is not None) == ("abort" in code)
