"""Files are written whole or not at all, and what cannot be written is refused before the work."""

import errno
import os
import re

import pytest

from ntm_envs.files import check_writable, write_atomically


@pytest.mark.parametrize("name", ["a" * 255, "ä" * 127, "a", os.fsdecode(b"\xff.json")])
def test_every_possible_name_can_be_written(tmp_path, name):
    check_writable(tmp_path / name)
    assert not list(tmp_path.iterdir())
    write_atomically(tmp_path / name, b"whole")
    assert [path.name for path in tmp_path.iterdir()] == [name]
    check_writable(tmp_path / name)
    assert (tmp_path / name).read_bytes() == b"whole"


@pytest.mark.parametrize(
    ("name", "named", "number"),
    [
        ("a" * 256, "a" * 256, errno.ENAMETOOLONG),
        ("folder", "folder", errno.EISDIR),
        ("file/a", "file", errno.EEXIST),
        ("file/folder/a", "file/folder", errno.ENOTDIR),
    ],
)
def test_what_cannot_be_written_is_refused_and_named(tmp_path, name, named, number):
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match=re.escape(f"'{tmp_path / named}'")) as error:
        check_writable(tmp_path / name)
    assert error.value.errno == number
    with pytest.raises(OSError, match=re.escape(f"'{tmp_path / name}'")):
        write_atomically(tmp_path / name, b"")
    assert {path.name for path in tmp_path.iterdir()} == {"folder", "file"}


def test_a_full_disk_is_named_and_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "x"
    write_atomically(path, b"old")

    def fail(descriptor):
        raise OSError(errno.ENOSPC, "no room")

    monkeypatch.setattr("os.fsync", fail)
    with pytest.raises(OSError, match=re.escape(f"no room: '{path}'")):
        write_atomically(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]
