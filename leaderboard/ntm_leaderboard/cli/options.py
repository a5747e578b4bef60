"""How commands read their options: from dataclasses, by tyro."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from types import GenericAlias
from typing import Any, get_args

import tyro
from tyro.constructors import (
    ConstructorRegistry,
    PrimitiveConstructorSpec,
    PrimitiveTypeInfo,
    UnsupportedTypeAnnotationError,
)

_REGISTRY = ConstructorRegistry()


def parse(options: Any, argv: list[str], command: str) -> Any:
    """Return what a command line says, or end the program with help or an error."""
    return tyro.cli(options, args=argv, prog=f"ntm-envs {command}", registry=_REGISTRY)


def peek(argv: list[str], option: str, default: str) -> str:
    """Return the value of an option before the command line is read as a whole."""
    for i, argument in enumerate(argv):
        if argument == option and i + 1 < len(argv):
            return argv[i + 1]
        if argument.startswith(f"{option}="):
            return argument.partition("=")[2]
    return default


def extended(options: type[Any], fields: list[Any]) -> type[Any]:
    """Return a dataclass of options with further fields."""
    made = dataclasses.make_dataclass(options.__name__, fields, bases=(options,), frozen=True, kw_only=True)
    made.__doc__ = options.__doc__
    return made


@_REGISTRY.primitive_rule
def _mapping(
    info: PrimitiveTypeInfo,
) -> PrimitiveConstructorSpec[Any] | UnsupportedTypeAnnotationError | None:
    """Say every mapping in one way, `--sizes length 1 5`.

    Tyro does so for empty ones alone; others become an option for each key, which takes no other key.
    """
    if info.type_origin is not Mapping:
        return None
    alike: Any = GenericAlias(dict, get_args(info.type))
    return ConstructorRegistry.get_primitive_spec(PrimitiveTypeInfo.make(alike, info.markers))
