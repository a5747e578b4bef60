"""The parsing of the command line: tyro parses it, and errors suggest the option that was meant."""

from __future__ import annotations

import contextlib
import difflib
import io
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import MISSING
from types import GenericAlias
from typing import Any, TypeVar, get_args

import tyro
from tyro.constructors import (
    ConstructorRegistry,
    PrimitiveConstructorSpec,
    PrimitiveTypeInfo,
    UnsupportedTypeAnnotationError,
)

from ntm_leaderboard.cli.help import print_help
from ntm_leaderboard.cli.options import Group, groups
from ntm_leaderboard.cli.terminal import console
from ntm_leaderboard.harness.recipes import EARLIER, MODEL_OPTIONS, TRAIN_OPTIONS

Options = TypeVar("Options")
_REGISTRY = ConstructorRegistry()


def parse(options: type[Options], argv: Sequence[str], command: str) -> Options:
    """Return the options that a command line sets, or print the help and exit if it asks for that.

    Raises:
        ValueError: If it has an unknown option, or a value that an option cannot have.
    """
    if not {"-h", "--help"}.isdisjoint(argv):
        print_help(console, options, command)
        raise SystemExit(0)
    if "" in argv:  # as a path it would be the present folder
        before = next(reversed(argv[: argv.index("")]), "")
        name = before if before.startswith("--") else "an argument"
        raise ValueError(f"{name} is empty, perhaps as a variable of the shell is not set; expected a value")
    printed = io.StringIO()
    try:
        with contextlib.redirect_stderr(printed):
            made, unknown = tyro.cli(
                options,
                args=argv,
                prog=f"ntm-envs {command}",
                registry=_REGISTRY,
                add_help=False,
                return_unknown_args=True,
            )
    except SystemExit:
        names = _names(groups(options))
        strange = [word for word in argv if word.startswith("--") and _stem(word) not in names]
        if strange:  # and what follows it may have been taken for something else
            raise ValueError(_unknown(strange, groups(options), command)) from None
        message = _message(printed.getvalue(), groups(options))
        raise ValueError(f"{message}. See ntm-envs {command} --help") from None
    if unknown:
        raise ValueError(_unknown(unknown, groups(options), command))
    return made


def peek(argv: Sequence[str], option: str, default: str) -> str:
    """Return the value of an option before the command line is parsed as a whole; the last one counts."""
    for i, argument in reversed(list(enumerate(argv))):
        if argument == option and i + 1 < len(argv):
            return argv[i + 1]
        if argument.startswith(f"{option}="):
            return argument.partition("=")[2]
    return default


def _unknown(unknown: Sequence[str], known: Sequence[Group], command: str) -> str:
    """Return the message for arguments that the parser does not know; it is about the first option."""
    name = next((argument.partition("=")[0] for argument in unknown if argument.startswith("--")), None)
    if name is None:
        return f"unexpected argument {unknown[0]!r}. See ntm-envs {command} --help"
    names = _names(known)
    meant = _renamed(name)
    if meant not in names:
        unprefixed = [each for each in names if each.endswith("." + _hyphenated(name.removeprefix("--")))]
        meant = next(iter(unprefixed or _close(name, names)), None)
    return f"unknown option {name}; {f'did you mean {meant}?' if meant else f'see ntm-envs {command} --help'}"


def _names(known: Sequence[Group]) -> list[str]:
    """Return the names of all options, as a user writes them."""
    options = [option for group in known for option in group.options if not option.positional]
    return [option.name for option in options] + [
        option.negative for option in options if option.hint is bool
    ]


def _stem(word: str) -> str:
    """Return the name of an option in a word such as ``--batch_size=3``, with hyphens."""
    return _hyphenated(word.partition("=")[0])


def _close(name: str, names: Sequence[str]) -> list[str]:
    """Return the name that is most like another, if any; a prefix that both have makes them no more alike."""
    prefix = "--model." if name.startswith("--model.") else "--"
    stems = [each.removeprefix(prefix) for each in names if each.startswith(prefix)]
    return [prefix + stem for stem in difflib.get_close_matches(name.removeprefix(prefix), stems, n=1)]


def _renamed(name: str) -> str | None:
    """Return the present name of an option that had another one; None if it never had."""
    prefix, names = (
        ("--model.", MODEL_OPTIONS) if name.startswith("--model.") else ("--", TRAIN_OPTIONS | EARLIER)
    )
    stem = name.removeprefix(prefix)
    negation = "no-" if stem.startswith("no-") else ""
    present = names.get(stem.removeprefix(negation).replace("-", "_"))
    return f"{prefix}{negation}{_hyphenated(present)}" if present else None


def _hyphenated(name: str) -> str:
    return name.replace("_", "-")


def _message(box: str, known: Sequence[Group]) -> str:
    """Return the first paragraph of the box that tyro draws around an error, on one line."""
    below = itertools.dropwhile(_is_rule, box.splitlines()[1:])  # the first line has the title
    message = " ".join(" ".join(itertools.takewhile(lambda line: not _is_rule(line), below)).split("│"))
    message = " ".join(message.split())
    if message.startswith("Missing from"):
        required = [option.name for group in known for option in group.options if option.default is MISSING]
        return f"missing argument {', '.join(required)}"
    return message.rstrip(".!")


def _is_rule(line: str) -> bool:
    return not line.strip("╰─╯│- ")


@_REGISTRY.primitive_rule
def _mapping(
    info: PrimitiveTypeInfo,
) -> PrimitiveConstructorSpec[Any] | UnsupportedTypeAnnotationError | None:
    """Read every mapping alike, from ``--sizes length 1 5``.

    Tyro does so for empty ones alone; others become an option for each key, which takes no other key.
    """
    if info.type_origin is not Mapping:
        return None
    alike: Any = GenericAlias(dict, get_args(info.type))
    return ConstructorRegistry.get_primitive_spec(PrimitiveTypeInfo.make(alike, info.markers))
