"""Recipes from files.

A recipe file is a JSON object with the parts of a recipe (:class:`ntm_agents.Recipe`), each of which may be
left out::

    {"learner": "ppo", "model": {"hidden_size": 64}, "train": {"gamma": 0.9, "curriculum": {"length": 5}}}

Options that it does not set have the default of the model or learner, and not the value of the agent's
recipe, so that a file is always the same recipe.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from ntm_agents.migrate import earlier_options
from ntm_agents.spec import Recipe
from ntm_agents.training import learners
from ntm_agents.training.run import read_json
from ntm_envs.lookup import did_you_mean

MODEL_OPTIONS, TRAIN_OPTIONS = earlier_options("models"), earlier_options("learners")
EARLIER = {"track": "learner", "algorithm": "learner"}
"""Options of `train` by their earlier names, beside those of models and learners."""


def read_recipe(path: Path, model: type[Any]) -> Recipe:
    """Return the recipe of a file.

    Args:
        path: The file.
        model: The dataclass of the model's options.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is no recipe; the message names the file, the option, its value and the expected
            one.
    """
    if not path.is_file():
        raise FileNotFoundError(f"there is no recipe {path}")
    record = read_json(path)
    _refuse_unknown(path, "part", record, [field.name for field in dataclasses.fields(Recipe)], EARLIER)
    name = record.get("learner", "supervised")
    if type(name) is not str:
        raise ValueError(f"{path}: learner is {name!r}; expected the name of a learner")
    try:
        learner = learners.find(name)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None
    options = _options(path, "model", record.get("model", {}), model, MODEL_OPTIONS)
    given = {option: getattr(options, option) for option in record.get("model", {})}
    train = _options(path, "train", record.get("train", {}), learner.config, TRAIN_OPTIONS)
    return Recipe(model=given, learner=learner.name, train=train)


def _options(path: Path, part: str, given: Any, kind: type[Any], renamed: Mapping[str, str]) -> Any:
    """Return the options of a part of a recipe, each checked against the type of its field."""
    if not isinstance(given, dict):
        raise ValueError(f"{path}: {part} is {given!r}; expected an object of options")
    known = [field.name for field in dataclasses.fields(kind)]
    _refuse_unknown(path, f"option of {part}", given, known, renamed)
    try:
        # As JSON, of which lists may be tuples; and strictly, as "3" is no number.
        return TypeAdapter(kind).validate_json(json.dumps(given), strict=True)
    except ValidationError as error:
        found = error.errors()
        if not (at := found[0]["loc"]):  # an impossible value, which the dataclass itself reports
            reason = found[0].get("ctx", {}).get("error", found[0]["msg"])
            raise ValueError(f"{path}: {part}.{reason}") from None
        expected = dict.fromkeys(
            each["msg"].removeprefix("Input should be ") for each in found if each["loc"][0] == at[0]
        )
        value = json.dumps(given[str(at[0])])
        raise ValueError(f"{path}: {part}.{at[0]} is {value}; expected {' or '.join(expected)}") from None


def _refuse_unknown(
    path: Path, what: str, given: Mapping[str, Any], known: Sequence[str], renamed: Mapping[str, str]
) -> None:
    for name in given:
        if name not in known:
            if renamed.get(name) in known:
                raise ValueError(f"{path}: unknown {what} {name!r}; did you mean {renamed[name]!r}?")
            raise ValueError(f"{path}: {did_you_mean(what, name, known)}")
