"""A model's options: types, bounds and what a search tries are declared where an option is.

Example:
    >>> from dataclasses import dataclass
    >>> @dataclass(frozen=True, kw_only=True)
    ... class Config:
    ...     hidden_size: Positive = 100
    ...
    ...     def __post_init__(self) -> None:
    ...         check_options(self)
    >>> Config(hidden_size=0)
    Traceback (most recent call last):
    ...
    ValueError: hidden_size is 0; expected an integer of at least 1
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import fields
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, NamedTuple, TypeAlias, Union, get_args, get_origin, get_type_hints

from ntm_envs.lookup import did_you_mean


class Choices(NamedTuple):
    """Values that ``ntm-envs tune`` tries: ``Annotated[int, Choices((64, 128))]``. Others are possible."""

    values: tuple[Any, ...]


class Between(NamedTuple):
    """Range that ``ntm-envs tune`` tries, linear or logarithmic: ``Annotated[float, Between(0.1, 1)]``."""

    low: float
    high: float
    log: bool = False


class Within(NamedTuple):
    """Smallest and largest value of a number: ``Annotated[int, Within(2)]`` has no largest one."""

    least: float
    most: float = math.inf


Positive: TypeAlias = Annotated[int, Within(1)]
"""An integer of at least 1."""
Few: TypeAlias = Annotated[int, Within(1, 1000)]
"""A number of parts of a model, each of which takes time to build, so that a mistake fails at once."""
NonNegative: TypeAlias = Annotated[float, Within(0)]
"""A finite number of at least 0."""

NAMES = {
    int: "an integer",
    float: "a finite number",
    bool: "True or False",
    str: "a string",
    NoneType: "None",
}
PLURALS = {int: "integers", float: "finite numbers", str: "strings"}


def check_options(config: Any) -> None:
    """Check that every field of a frozen dataclass has its declared type, and turn lists into tuples.

    JSON has lists where a configuration has tuples, also inside mappings. Call it first in ``__post_init__``.

    Raises:
        ValueError: If a value does not fit; the message names the field, the value and what was expected.
    """
    hints = get_type_hints(type(config), include_extras=True)
    for field in fields(config):
        value, hint = _with_tuples(getattr(config, field.name)), hints[field.name]
        object.__setattr__(config, field.name, value)
        expect(_fits(value, hint), field.name, value, described(hint))


def channel_indices(
    owner: type[Any], option: str, value: str | tuple[str, ...] | None, channels: Sequence[str]
) -> list[int]:
    """Return the indices of the input channels that an option names.

    Args:
        owner: The model's class, for messages.
        option: Name of the option, for messages.
        value: Value of the option: a name, several, or None for no channel.
        channels: Names of all input channels; empty if they are not known.

    Raises:
        ValueError: If the names of the channels are not known, or there is no channel of a name.
    """
    names = (value,) if isinstance(value, str) else value or ()
    if names and not channels:
        raise ValueError(
            f"{option} is {value!r}, but the names of the input channels are not known; pass "
            f"input_channels, or build the machine for a task: {owner.__name__}.for_task(task, ...)"
        )
    for name in names:
        if name not in channels:
            raise ValueError(f"{option}: {did_you_mean('input channel', name, channels)}")
    return [channels.index(name) for name in names]


def searchable(config: type[Any]) -> dict[str, Choices | Between]:
    """Return what a search tries for each field of a dataclass that declares it.

    Example:
        >>> from dataclasses import make_dataclass
        >>> width = ("width", Annotated[Positive, Choices((8, 16))])
        >>> searchable(make_dataclass("Config", [width, ("depth", Positive)]))
        {'width': Choices(values=(8, 16))}
    """
    hints = get_type_hints(config, include_extras=True)
    return {
        field.name: each
        for field in fields(config)
        for each in get_args(hints[field.name])
        if isinstance(each, Choices | Between)
    }


def expect(valid: bool, name: str, value: Any, expected: str) -> None:
    """Raise a `ValueError` that names an option, its value and what was expected, unless it is valid."""
    if not valid:
        raise ValueError(f"{name} is {value!r}; expected {expected}")


def expect_per_head(config: Any, heads: int, *names: str) -> None:
    """Raise a `ValueError` unless each of these options is one number, or one for each head."""
    for name in names:
        value = getattr(config, name)
        valid = not isinstance(value, tuple) or len(value) == heads
        expect(valid, name, value, f"{heads} finite numbers, as there are {heads} heads")


def _with_tuples(value: Any) -> Any:
    """Return a value with tuples in place of lists; a mapping is copied."""
    if isinstance(value, Mapping):
        return {name: _with_tuples(part) for name, part in value.items()}
    return tuple(value) if isinstance(value, list) else value


def _fits(value: Any, hint: Any) -> bool:
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Annotated:
        kind, *metadata = arguments
        bounds = [each for each in metadata if isinstance(each, Within)]
        return _fits(value, kind) and all(least <= value <= most for least, most in bounds)
    if origin in (Union, UnionType):
        return any(_fits(value, kind) for kind in arguments)
    if origin is Literal:
        return value in arguments
    if origin is tuple:
        right = isinstance(value, tuple) and (arguments[-1] is ... or len(value) == len(arguments))
        return right and all(_fits(item, arguments[0]) for item in value)
    if origin is Mapping:
        name, kind = arguments
        return isinstance(value, Mapping) and all(_fits(n, name) and _fits(v, kind) for n, v in value.items())
    if hint is float:
        return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    return type(value) is hint


def described(hint: Any) -> str:
    """Return the values that a type of an option permits, in words: ``an integer of at least 1``."""
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Annotated:
        words = [described(arguments[0])]
        for least, most in (each for each in arguments[1:] if isinstance(each, Within)):
            words.append(f"of at least {least:g}" if most == math.inf else f"from {least:g} to {most:g}")
        return " ".join(words)
    if origin in (Union, UnionType):
        return " or ".join(map(described, arguments))
    if origin is Literal:
        return f"one of {', '.join(map(repr, arguments))}"
    if origin is tuple:
        kind, *others = arguments
        count = "" if others == [...] else f"{len(arguments)} "
        return f"a list of {count}{PLURALS.get(kind) or described(kind)}"
    if origin is Mapping:
        return f"a mapping of names to {described(arguments[1])}"
    return NAMES[hint]
