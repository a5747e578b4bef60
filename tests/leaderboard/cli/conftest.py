"""A folder with files of a user's own, from which commands are given."""

import pytest
from own_files import MODEL, TASK


@pytest.fixture
def home(tmp_path, monkeypatch):
    (tmp_path / "mine.py").write_text(MODEL, encoding="utf-8")
    (tmp_path / "other.py").write_text(MODEL, encoding="utf-8")
    (tmp_path / "short.py").write_text(TASK, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path
