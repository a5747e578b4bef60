"""The cache of compiled kernels: code is loaded from it until one of their sources changes."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import ntm_agents.kernels
from ntm_agents.kernels.cache import _Files

CALL = """
import os, sys
import numpy as np
from ntm_agents.kernels import cut

if "LARGEST_FILE" in os.environ:
    import resource
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(os.environ["LARGEST_FILE"]), resource.RLIM_INFINITY))

assert cut.__file__.startswith(sys.path[0]), "another package was imported"
rows, spans = np.ones((1, 2, 8)), np.zeros((1, 2), np.int64)
cut._longest_runs(rows, rows, np.zeros(1, np.int64), 0, np.zeros(8, np.int32), spans)
cut._change(rows, spans[0], 0, spans[0], 0, rows.copy())
stats = cut._longest_runs.stats
print(sum(stats.cache_hits.values()), sum(stats.cache_misses.values()))
"""
LOADED, COMPILED = "1 0", "0 1"


@pytest.fixture
def package(tmp_path):
    """Return a copy of the kernels, in a package without anything else."""
    kernels = tmp_path / "source" / "ntm_agents" / "kernels"
    shutil.copytree(
        Path(ntm_agents.kernels.__file__).parent, kernels, ignore=shutil.ignore_patterns("__pycache__")
    )
    (kernels.parent / "__init__.py").touch()
    return kernels


def call(package, warning="", **environment):
    """Return the numbers of hits and misses of the cache, in a process of its own that warns of one thing."""
    source = package.parents[1]
    environment = {"NUMBA_CACHE_DIR": str(source.parent / "cache"), "PYTHONPATH": str(source)} | environment
    script = source / "call.py"
    script.write_text(CALL, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, script], env=os.environ | environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("Warning:") == bool(warning), done.stderr
    assert warning in done.stderr
    return done.stdout.strip()


def test_a_change_of_any_source_compiles_anew(package):
    assert call(package) == COMPILED
    assert call(package) == LOADED
    for part in ("compilation.py", "memory.py", "ntm/forward.py"):  # two of them are not imported here
        source = package / part
        stat = source.stat()
        source.write_text(source.read_text(encoding="utf-8") + "\n# changed\n", encoding="utf-8")
        os.utime(source, ns=(stat.st_atime_ns, stat.st_mtime_ns))  # contents count, times do not
        assert call(package) == COMPILED, part
        assert call(package) == LOADED, part


def test_a_new_time_of_a_source_is_no_change(package):
    assert call(package) == COMPILED
    for source in package.rglob("*.py"):
        os.utime(source, (0, 0))
    assert call(package) == LOADED


def test_what_was_stored_for_other_sources_is_removed_unread(package):
    """It may refer to classes that no longer exist, and could then not be unpickled."""
    assert call(package) == COMPILED
    before = set((package.parents[2] / "cache").rglob("*.nbc"))
    source = package / "location.py"
    source.write_text(source.read_text(encoding="utf-8") + "\n", encoding="utf-8")
    assert call(package) == COMPILED
    after = set((package.parents[2] / "cache").rglob("*.nbc"))
    assert len(after) == len(before) == 2
    assert not after & before


@pytest.mark.parametrize("damage", [lambda code: code[:-1], lambda code: b"", lambda code: code[:-1] + b"x"])
def test_a_damaged_file_is_replaced(tmp_path, damage):
    files = _Files(tmp_path, "forward")
    files.save("float32", [1, 2])
    assert files.load("float32") == [1, 2]
    (path,) = tmp_path.iterdir()
    path.write_bytes(damage(path.read_bytes()))
    assert files.load("float32") is None
    files.save("float32", [3])
    assert files.load("float32") == [3]
    assert list(tmp_path.iterdir()) == [path]


def test_processes_that_compile_at_once_keep_the_code_of_both(tmp_path, monkeypatch):
    """One writes between any two steps of the other."""
    replace = os.replace

    def slowly(source, target):
        monkeypatch.setattr(os, "replace", replace)
        _Files(tmp_path, "forward").save("float64", "of float64")
        replace(source, target)

    monkeypatch.setattr(os, "replace", slowly)
    _Files(tmp_path, "forward").save("float32", "of float32")
    for name in ("float32", "float64"):
        assert _Files(tmp_path, "forward").load(name) == f"of {name}"


WARNING = "RuntimeWarning: compiled kernels cannot be saved"


def test_without_a_place_for_a_cache_each_process_compiles_and_says_so_once(package):
    place = {"NUMBA_CACHE_LOCATOR_CLASSES": "ZipCacheLocator"}  # it has none for files outside an archive
    assert call(package, WARNING, **place) == COMPILED


def test_on_a_full_disk_it_compiles_and_says_so_once(package):
    pytest.importorskip("resource")
    assert call(package, WARNING, LARGEST_FILE="0") == COMPILED
    assert not list((package.parents[2] / "cache").rglob("*.*"))
