"""The cache of compiled kernels: code is loaded from it until one of their sources changes."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import ntm_agents.kernels

CALL = """
import sys
import numpy as np
from ntm_agents.kernels import cut

assert cut.__file__.startswith(sys.path[0]), "another package was imported"
rows, spans = np.ones((1, 2, 8)), np.zeros((1, 2), np.int64)
cut._longest_runs(rows, rows, np.zeros(1, np.int64), 0, np.zeros(8, np.int32), spans)
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


def call(package, **environment):
    """Return the numbers of hits and misses of the cache, in a process of its own."""
    source = package.parents[1]
    environment = {"NUMBA_CACHE_DIR": str(source.parent / "cache"), "PYTHONPATH": str(source)} | environment
    script = source / "call.py"
    script.write_text(CALL)
    done = subprocess.run(
        [sys.executable, script], env=os.environ | environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_a_change_of_any_source_compiles_anew(package):
    assert call(package) == COMPILED
    assert call(package) == LOADED
    for part in ("compilation.py", "memory.py", "ntm/forward.py"):  # two of them are not imported here
        source = package / part
        stat = source.stat()
        source.write_text(source.read_text() + "\n# changed\n")
        os.utime(source, ns=(stat.st_atime_ns, stat.st_mtime_ns))  # contents count, times do not
        assert call(package) == COMPILED, part
        assert call(package) == LOADED, part


def test_a_new_time_of_a_source_is_no_change(package):
    assert call(package) == COMPILED
    for source in package.rglob("*.py"):
        os.utime(source, (0, 0))
    assert call(package) == LOADED


def test_what_was_stored_for_other_sources_is_not_read(package):
    """It may refer to classes that no longer exist, and could then not be unpickled."""
    assert call(package) == COMPILED
    (index,) = (package.parents[2] / "cache").rglob("*.nbi")
    index.write_bytes(index.read_bytes()[:256])  # cut off behind the digest
    with pytest.raises(AssertionError, match="pickle"):
        call(package)
    source = package / "location.py"
    source.write_text(source.read_text() + "\n")
    assert call(package) == COMPILED
    assert call(package) == LOADED


def test_without_a_place_for_a_cache_each_process_compiles(package):
    place = {"NUMBA_CACHE_LOCATOR_CLASSES": "ZipCacheLocator"}  # it has none for files outside an archive
    assert call(package, **place) == COMPILED
    assert call(package, **place) == COMPILED
