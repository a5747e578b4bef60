"""Look-up of names and ``module:attribute`` references that users type, with helpful errors."""

from __future__ import annotations

import difflib
import functools
import importlib
import inspect
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType
from typing import Any

from ntm_envs import own_files


def is_reference(name: str) -> bool:
    """Return whether a name is a reference, such as ``./mine.py:MyModel`` or ``package.module:MyModel``."""
    return ":" in name


def did_you_mean(kind: str, name: str, known: Iterable[str]) -> str:
    """Return an error message for an unknown name, with the closest known name.

    Args:
        kind: The kind of thing that was looked up, such as ``task``.
        name: The unknown name.
        known: All known names.

    Example:
        >>> did_you_mean("task", "coppy", ["copy", "ngrams"])
        "unknown task 'coppy'; did you mean 'copy'? Known: copy, ngrams"
    """
    if name.endswith(".py"):
        return f"{name!r} is a file; expected the name of the {kind} in it too, such as {name}:Name"
    names = {each.lower(): each for each in known}
    close = difflib.get_close_matches(name.lower(), names, n=1)
    question = f"; did you mean {names[close[0]]!r}?" if close else "."
    return f"unknown {kind} {name!r}{question} Known: {', '.join(names.values())}"


def load(reference: str) -> Any:
    """Import the object that a reference names.

    Args:
        reference: ``package.module:Name`` or ``path/to/file.py:Name``. The module or file is executed, a
            file again after it has changed (:mod:`ntm_envs.own_files`).

    Raises:
        ValueError: If the reference is malformed, or the module or the name does not exist.
        FileNotFoundError: If the file does not exist.
    """
    where, colon, name = reference.rpartition(":")
    module_name = where.endswith(".py") or all(part.isidentifier() for part in where.split("."))
    if not (colon and where and name and module_name):
        raise ValueError(f"{reference!r} is not a reference; expected file.py:Name or package.module:Name")
    try:
        module = own_files.module(Path(where)) if where.endswith(".py") else importlib.import_module(where)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{where}.".startswith(f"{error.name}."):
            raise  # the module exists, but one of its own imports is missing
        raise ValueError(f"{reference!r}: there is no module {error.name!r}") from error
    try:
        return getattr(module, name)
    except AttributeError:
        names = [
            known
            for known, value in vars(module).items()
            if not (known.startswith("_") or isinstance(value, ModuleType))
        ]
        raise ValueError(did_you_mean(f"name in {where}", name, names)) from None


def executed_source(reference: str) -> bytes | None:
    """Return the source of a loaded reference as it was executed; None if it has none.

    Python keeps no source of a module that was imported: it is the file at the first call.

    Raises:
        ValueError: If the reference is to something that is not written in Python.
    """
    where = reference.rpartition(":")[0]
    if where.endswith(".py"):
        return own_files.source(Path(where))
    found = load(reference)
    try:
        file = inspect.getsourcefile(found)
    except TypeError:
        raise ValueError(f"{reference} is {found!r}; expected a class or a function of Python") from None
    return _first_content(Path(file)) if file else None


@functools.cache
def _first_content(path: Path) -> bytes:
    return path.read_bytes()


def absolute(reference: str) -> str:
    """Return a reference with an absolute file path, which is valid in every working directory."""
    where, _, name = reference.rpartition(":")
    return f"{Path(where).expanduser().resolve()}:{name}" if where.endswith(".py") else reference


def comes_from_a_file(error: BaseException) -> bool:
    """Return whether an error was raised in, or by a call from, a file that :func:`load` executed."""
    frame = error.__traceback__
    while frame is not None:
        if frame.tb_frame.f_globals.get("__name__", "").startswith(own_files.PREFIX):
            return True
        frame = frame.tb_next
    return False
