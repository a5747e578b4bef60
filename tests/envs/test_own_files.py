"""Files of a user are modules: they are reloaded after edits, and other processes can import them."""

import inspect
import multiprocessing
import os
import pickle
import subprocess
import sys
import traceback
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import get_type_hints

import gymnasium as gym
import pytest

from ntm_envs import own_files, tasks
from ntm_envs.lookup import executed_source, load

FILE = """
from __future__ import annotations

from dataclasses import dataclass

import neighbour_{n}


@dataclass(frozen=True)
class Point:
    x: Other | int = {n}

    def double(self):
        return {n} * self.x


class Other:
    def fail(self):
        raise RuntimeError("on purpose")
"""
ROW = """
from dataclasses import dataclass
from ntm_envs.tasks import TaskSpec, ladder
from ntm_envs.tasks.classic.copy import Copy

@dataclass(frozen=True, kw_only=True)
class Mine(Copy):
    bits: int = {bits}

MINE = TaskSpec(
    name="mine-{name}", env_id="mine/{name}-v0", task=Mine, training={{"length": (1, 4)}},
    ladders=ladder("length", (4, 8)),
)
"""


def written(folder, n=1):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"neighbour_{n}.py").touch()
    (folder / "file.py").write_text(FILE.format(n=n), encoding="utf-8")
    return folder / "file.py"


@pytest.mark.parametrize("folder", ["plain", "a b.c_d-e", "Größe/数"])
def test_a_name_encodes_a_path(tmp_path, folder):
    path = written(tmp_path / folder)
    name = own_files.module_name(path)
    assert name.replace(".", "").isidentifier()
    assert load(f"{path}:Point").__module__ == name
    assert sys.modules[name].__file__ == str(path)


def test_a_file_is_executed_again_after_an_edit_and_what_there_was_stays(tmp_path):
    path = written(tmp_path)
    old = load(f"{path}:Point")(3)
    times = os.stat(path)
    as_long = FILE.format(n=1).replace("1 * self.x", "2 * self.x")
    path.write_text(as_long, encoding="utf-8")
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    new = load(f"{path}:Point")(3)
    assert (old.double(), new.double()) == (3, 6)
    assert type(old) is not type(new)
    assert executed_source(f"{path}:Point") == path.read_bytes()
    before = executed_source(f"{path}:Point")
    path.write_text("Point = 1 / 0", encoding="utf-8")
    assert executed_source(f"{path}:Point") == before
    with pytest.raises(ZeroDivisionError):
        load(f"{path}:Point")
    path.write_text("Point = 1", encoding="utf-8")
    assert load(f"{path}:Point") == 1


def test_files_of_the_same_name_and_links_to_one(tmp_path, monkeypatch):
    one, other = written(tmp_path / "one", 1), written(tmp_path / "other", 2)
    assert (load(f"{one}:Point")().x, load(f"{other}:Point")().x) == (1, 2)
    (tmp_path / "link.py").symlink_to(one)
    monkeypatch.chdir(tmp_path)
    assert load("link.py:Point") is load("one/file.py:Point") is load(f"{one}:Point")


def test_tools_that_look_at_classes_find_their_module(tmp_path):
    path = written(tmp_path)
    point, other = load(f"{path}:Point"), load(f"{path}:Other")
    assert get_type_hints(point) == {"x": other | int}
    assert "class Point:" in inspect.getsource(point)
    with pytest.raises(RuntimeError, match="on purpose") as raised:
        other().fail()
    assert 'raise RuntimeError("on purpose")' in "".join(traceback.format_exception(raised.value))


def test_another_process_unpickles_what_a_file_defines(tmp_path):
    path = written(tmp_path / "somewhere")
    data = pickle.dumps(load(f"{path}:Point")(5))
    code = "import pickle, sys; print(pickle.load(sys.stdin.buffer).double())"
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, input=data, capture_output=True)
    assert done.stdout.split() == [b"5"], done.stderr.decode()
    path.unlink()
    sys.modules.pop(own_files.module_name(path))
    with pytest.raises(ModuleNotFoundError, match=rf"there is no file {path}"):
        pickle.loads(data)


def test_spawned_workers_call_what_a_file_defines(tmp_path):
    point = load(f"{written(tmp_path)}:Point")
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        assert pool.submit(point(4).double).result() == 4


def test_a_task_can_be_edited(tmp_path):
    path = tmp_path / "task.py"
    path.write_text(ROW.format(bits=3, name="Edited"), encoding="utf-8")
    reference = f"{path}:MINE"
    assert tasks.spec(reference) is tasks.spec(reference)
    path.write_text(ROW.format(bits=4, name="Edited"), encoding="utf-8")
    row = tasks.spec(reference)
    assert row.make().bits == 4
    assert tasks.spec(row.name) is row
    env = gym.make(row.env_id)
    assert env.action_space.shape == (4,)
    env.close()
    path.write_text(ROW.format(bits=5, name="Renamed"), encoding="utf-8")
    assert tasks.spec(reference).name == "mine-Renamed"
    assert row.name not in tasks.names()
    path.write_text(ROW.format(bits=4, name="Edited"), encoding="utf-8")
    tasks.spec(reference)
    other = tmp_path / "other.py"
    other.write_text(ROW.format(bits=3, name="Edited"), encoding="utf-8")
    with pytest.raises(ValueError, match="there is another task named 'mine-Edited'"):
        tasks.spec(f"{other}:MINE")


def test_spawned_workers_make_the_environment_of_a_task(tmp_path):
    path = tmp_path / "task.py"
    path.write_text(ROW.format(bits=3, name="Spawned"), encoding="utf-8")
    row = tasks.spec(f"{path}:MINE")
    how = {"vectorization_mode": "async", "vector_kwargs": {"context": "spawn"}}
    envs = gym.make_vec(row.env_id, num_envs=2, **how)
    assert envs.reset(seed=0)[0].shape == (2, 4)
    envs.close()


def test_what_is_not_written_in_python_is_refused_by_name():
    with pytest.raises(ValueError, match=r"math:sqrt is <built-in .*; expected a class or a function"):
        executed_source("math:sqrt")


def test_modules_that_are_no_files_are_not_found():
    with pytest.raises(ModuleNotFoundError, match=r"No module named 'ntm_envs\.own_files\.missing'"):
        __import__("ntm_envs.own_files.missing")
    assert own_files.module(Path(__file__)) is own_files.module(Path(os.path.relpath(__file__)))


def test_files_of_another_machine_are_found_at_their_paths_there(tmp_path, monkeypatch):
    shipped = written(tmp_path / "shipped" / "another" / "home", 3)
    monkeypatch.setenv(own_files.SHIPPED, str(tmp_path / "shipped"))
    point = load("/another/home/file.py:Point")
    assert point(2).double() == 6
    assert point.__module__ == own_files.module_name(Path("/another/home/file.py"))
    assert sys.modules[point.__module__].__file__ == "/another/home/file.py"
    assert "class Point:" in inspect.getsource(point)
    assert executed_source("/another/home/file.py:Point") == shipped.read_bytes()
    here = written(tmp_path / "here", 4)
    assert load(f"{here}:Point")(2).double() == 8  # what is not among them is read where it is
