"""Modules of files that users name by their paths, such as ``./my_model.py:MyModel``.

The name of such a module encodes the absolute path of its file, below this module, which acts as a package.
So what a file defines can be pickled, and imported by every process that has this package and the file: a
spawned worker, or one that loads a saved policy.

Example:
    >>> module_name(Path("/tmp/my_gru.py"))
    'ntm_envs.own_files._2ftmp_2fmy_5fgru_2epy'
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, SourceFileLoader
from importlib.util import spec_from_file_location
from pathlib import Path
from types import CodeType, ModuleType

__path__: list[str] = []  # makes this module a package, whose modules `_Finder` finds

PREFIX = f"{__name__}."
"""Prefix of the names of modules of files."""
SHIPPED = "NTM_ENVS_SHIPPED_FILES"
"""Variable of the environment: a folder with files of another machine, below it at their absolute paths."""


def module_name(path: Path) -> str:
    """Return the name of the module of a file, given its absolute path.

    It is made of identifiers, as compilers of models write it into code: every byte of the path but letters
    and digits becomes an underscore and two hexadecimal digits.
    """
    encoded = re.sub(rb"[^0-9A-Za-z]", lambda byte: b"_%02x" % ord(byte[0]), os.fsencode(path))
    return PREFIX + encoded.decode()


def located(path: Path) -> Path:
    """Return where a file with an absolute path can be read: among the files of `SHIPPED`, or there itself.

    So references, and the runs that record them, are the same on every machine.
    """
    shipped = os.environ.get(SHIPPED)
    copy = Path(shipped, path.relative_to(path.anchor)) if shipped else path
    return copy if copy.is_file() else path


def module(path: Path) -> ModuleType:
    """Return the module of a file, which is executed at first and whenever its content has changed.

    After a change it is another module: objects of the earlier one keep their classes and globals.

    Raises:
        FileNotFoundError: If there is no such file.
    """
    path = path.expanduser().resolve()
    if not located(path).is_file():
        raise FileNotFoundError(f"there is no file {path}")
    name = module_name(path)
    if name in sys.modules and source(path) == located(path).read_bytes():
        return sys.modules[name]
    sys.modules.pop(name, None)
    return import_module(name)


def source(path: Path) -> bytes:
    """Return the content of a file when its module was last executed.

    Raises:
        KeyError: If it has not been executed in this process.
    """
    loader = sys.modules[module_name(path.expanduser().resolve())].__loader__
    assert isinstance(loader, _Loader)
    return loader.source


class _Loader(SourceFileLoader):
    """A loader that keeps the source, and no bytecode, which would outlive an edit within a second."""

    source: bytes

    def get_code(self, fullname: str) -> CodeType:
        """Compile the file."""
        self.source = self.get_data(self.path)
        code: CodeType = self.source_to_code(self.source, self.path)
        return code

    def get_data(self, path: str) -> bytes:
        """Return the content of the file."""
        return super().get_data(str(located(Path(path))))

    def exec_module(self, module: ModuleType) -> None:
        """Execute the file, which may import its neighbours, as a script may."""
        folder = str(located(Path(self.path)).parent)
        if folder not in sys.path:
            sys.path.append(folder)
        super().exec_module(module)


class _Finder(MetaPathFinder):
    """A finder of the modules of files."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return the specification of the module of a file; None for other modules.

        Raises:
            ModuleNotFoundError: If the file is not there.
        """
        encoded = fullname.removeprefix(PREFIX).encode()
        file = Path(os.fsdecode(re.sub(rb"_([0-9a-f]{2})", lambda code: bytes([int(code[1], 16)]), encoded)))
        if not (fullname.startswith(PREFIX) and file.is_absolute()):
            return None
        if not located(file).is_file():
            raise ModuleNotFoundError(f"there is no file {file}, which {fullname} is made of", name=fullname)
        return spec_from_file_location(fullname, file, loader=_Loader(fullname, str(file)))


sys.meta_path.append(_Finder())
