"""How names and references that people type are resolved, with errors that help."""

from __future__ import annotations

import difflib
import importlib
import importlib.util
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

FILE = "ntm_envs_file_"
"""How the names of modules begin that are loaded from files."""


def is_reference(name: str) -> bool:
    """Tell a reference such as ``./mine.py:MyModel`` or ``package.module:MyModel`` from a plain name."""
    return ":" in name


def did_you_mean(kind: str, name: str, known: Iterable[str]) -> str:
    """Return the message for an unknown name.

    Example:
        >>> did_you_mean("task", "coppy", ["copy", "ngrams"])
        "unknown task 'coppy'; did you mean 'copy'? Known: copy, ngrams"
    """
    if name.endswith(".py"):
        return f"{name!r} is a file; expected the name of the {kind} in it too, such as {name}:Name"
    names = {each.lower(): each for each in known}
    close = difflib.get_close_matches(name.lower(), names, n=1)
    question = f"did you mean {names[close[0]]!r}? " if close else ""
    return f"unknown {kind} {name!r}; {question}Known: {', '.join(names.values())}"


def load(reference: str) -> Any:
    """Return the object that a reference names.

    Args:
        reference: ``package.module:Name`` or ``path/to/file.py:Name``. The file or module is executed.

    Raises:
        ValueError: If the reference does not have this form, or there is no such module or no such name
            in it.
        FileNotFoundError: If there is no such file.
    """
    where, colon, name = reference.rpartition(":")
    if not (colon and where and name):
        raise ValueError(f"{reference!r} is not a reference; expected file.py:Name or package.module:Name")
    try:
        module = _load_file(Path(where)) if where.endswith(".py") else importlib.import_module(where)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{where}.".startswith(f"{error.name}."):
            raise  # it is there, and misses another one
        raise ValueError(f"{reference!r}: there is no module {error.name!r}") from error
    try:
        return getattr(module, name)
    except AttributeError:
        names = [known for known in vars(module) if not known.startswith("_")]
        raise ValueError(did_you_mean(f"name in {where}", name, names)) from None


def absolute(reference: str) -> str:
    """Return a reference with the whole path of its file, so that it means the same in any folder."""
    where, _, name = reference.rpartition(":")
    return f"{Path(where).expanduser().resolve()}:{name}" if where.endswith(".py") else reference


def _load_file(path: Path) -> Any:
    path = path.expanduser().resolve()
    if not path.is_file():
        raise FileNotFoundError(f"there is no file {path}")
    # The same file is the same module however often it is loaded, so its classes stay the same.
    module_name = f"{FILE}{path.stem}_{abs(hash(str(path))):x}"
    if module_name in sys.modules:
        return sys.modules[module_name]
    spec = importlib.util.spec_from_file_location(module_name, path)
    assert spec is not None
    assert spec.loader is not None  # a .py file always has one
    module = importlib.util.module_from_spec(spec)
    sys.modules[module_name] = module  # dataclasses look their module up while they are made
    if str(path.parent) not in sys.path:  # it may import what lies beside it, as a script may
        sys.path.append(str(path.parent))
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[module_name]
        raise
    return module


def comes_from_a_file(error: BaseException) -> bool:
    """Tell whether an error was raised in, or below, a file that was loaded by reference."""
    frame = error.__traceback__
    while frame is not None:
        if frame.tb_frame.f_globals.get("__name__", "").startswith(FILE):
            return True
        frame = frame.tb_next
    return False
