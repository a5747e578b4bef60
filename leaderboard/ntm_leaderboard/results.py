"""A result of one agent on one task: an immutable JSON file. Nothing derived is stored.

    python -m ntm_leaderboard.results > leaderboard/result.schema.json

writes the schema as JSON Schema, for other readers of results.

Version 3 of the schema. Results of versions 1 and 2 are read as well (:func:`migrate`). Those of other
versions are refused, as are unknown or missing fields, numbers that are not finite, and impossible counts.

`entry`, `model` and `training.recipe` repeat the run's `config.json` as it was written, in the names of its
format (:mod:`ntm_agents.migrate`).
"""

from __future__ import annotations

import json
import math
import shlex
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)

from ntm_envs.files import check_plain, write_atomically

VERSION: Literal[3] = 3
"""The version of the schema that is written."""

LARGEST_RECORD = 2**20
"""Largest number of bytes of a result."""
NO_NONCE = "0" * 64
"""The nonce of self-reported results."""
SEEDS = 5
"""Seeds that an agent needs on every task of a suite to be ranked on it."""

NAME = r"^[a-z][a-z0-9_]{0,63}$"
"""The pattern of names of learners, metrics and privileges."""

Count = Annotated[int, Field(ge=0, le=2**63 - 1)]
Hex = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


def _finite(value: Any) -> Any:
    """Refuse numbers that are not finite, at any depth."""
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list | tuple) else ()
    for part in parts:
        _finite(part)
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"it has {value}; expected finite numbers")
    return value


Options = Annotated[dict[str, Any], AfterValidator(_finite)]


class Record(BaseModel):
    """The base of all parts of a result."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, strict=True)


class Score(Record):
    """The score of an agent on the sequences of a rung."""

    all_right: Count
    """Number of sequences without a wrong symbol."""
    wrong_symbols: Count
    """Wrong symbols of all sequences together; on tasks of bits, wrong bits."""
    mean_return: float
    """Mean return of an episode."""
    cost_in_bits: Annotated[float, Field(ge=0)] | None
    """Mean negative log2-likelihood of a sequence; None for an agent that outputs answers, and where there
    are no targets."""
    metrics: dict[Annotated[str, Field(pattern=NAME)], float] = {}
    """Further metrics by name."""


class Rung(Record):
    """One rung of a ladder: sequences of one size."""

    sizes: dict[str, int]
    """The size of every sequence."""
    sequences: Annotated[Count, Field(gt=0)]
    """Number of sequences that were played."""
    symbols: Annotated[Count, Field(gt=0)]
    """Scored symbols of all sequences together."""
    score: Score
    """Score of the agent."""
    references: dict[str, Score]
    """Scores of uniform guesses, the best constant output and the oracle on the same sequences. Where there
    is no oracle, `reference` is a good agent, if there is one."""

    @model_validator(mode="after")
    def _possible(self) -> Rung:
        for name, score in {"score": self.score, **self.references}.items():
            if score.all_right > self.sequences:
                raise ValueError(f"{name}.all_right is {score.all_right} of {self.sequences} sequences")
            if score.wrong_symbols > self.symbols:
                raise ValueError(f"{name}.wrong_symbols is {score.wrong_symbols} of {self.symbols} symbols")
            if score.wrong_symbols < self.sequences - score.all_right or (
                score.wrong_symbols and score.all_right == self.sequences
            ):
                raise ValueError(
                    f"{name}: {score.wrong_symbols} wrong symbols and {score.all_right} of {self.sequences} "
                    "correct sequences contradict each other"
                )
        return self

    @property
    def sequence_accuracy(self) -> float:
        """The share of sequences whose every scored symbol was right."""
        return self.score.all_right / self.sequences

    @property
    def symbol_accuracy(self) -> float:
        """The share of scored symbols that were right."""
        return 1 - self.score.wrong_symbols / self.symbols

    @property
    def best(self) -> tuple[str, float]:
        """The name and the mean return of the best agent known: the oracle, or its substitute.

        Without either it is a perfect episode, which returns 1.
        """
        for name in ("oracle", "reference"):
            if name in self.references:
                return name, self.references[name].mean_return
        return "perfect", 1.0


class Training(Record):
    """The training of a model."""

    learner: Annotated[str, Field(pattern=NAME)]
    """Name of the learner, such as ``supervised`` or ``ppo``."""
    track: Literal["supervised", "reward"]
    """Learning from targets, or from rewards alone. Agents are ranked among those of their track."""
    sequences: Count
    """Training sequences seen, those before restarts included."""
    steps: Count | None = None
    """Steps of environments that were taken, if it learnt from rewards."""
    seconds: Annotated[float, Field(ge=0)]
    """Wall time of the training."""
    restarts: Count
    """Number of restarts from new weights."""
    dropped_updates: Count
    """Updates that were dropped because loss or gradient were not finite."""
    parameters: Count
    """Trainable parameters of the model, without those of a critic, which does not play."""
    kernel: str | None = None
    """Kernel of the model in training, if there are several: ``reference``, ``fused``, ``compiled``."""
    state_values: Count
    """Numbers in its state for one sequence of the largest training size."""
    recipe: Options
    """The configuration of the training, as it was written."""


class Held(Record):
    """The place of weights that are too large to lie beside their result."""

    address: Annotated[str, Field(pattern=r"^(https://\S+|git:[0-9a-f]{40}:[\w./-]+)$", max_length=2000)]
    """An address of the web, or ``git:COMMIT:PATH`` for a file of this project's own history."""
    sha256: Hex
    """The SHA-256 of that file."""

    @property
    def in_history(self) -> str | None:
        """``COMMIT:PATH`` of a file of this project's history; None if an address of the web holds it."""
        return self.address.removeprefix("git:") if self.address.startswith("git:") else None

    def how_to_get(self, path: Path) -> str:
        """Return where the weights are, and the command of a shell that makes a file of them."""
        target = shlex.quote(str(path))
        if self.in_history:
            where = "in this project's history, which a shallow clone gets with `git fetch --unshallow`"
            return f"{where}; then: git show {self.in_history} > {target}"
        return f"elsewhere; get them: curl -L -o {target} {shlex.quote(self.address)}"


class Result(Record):
    """The result of one agent, trained with one seed, on one task."""

    schema_version: Literal[3]
    agent: Annotated[str, Field(pattern=r"^\w[\w.-]{0,63}$")]
    """Name of the agent, which has to be possible for a folder."""
    format: Annotated[int, Field(ge=1)]
    """Format in which `entry`, `model` and `training.recipe` were written (:mod:`ntm_agents.migrate`)."""
    entry: str
    """Reference to its class, such as ``ntm_agents:NTM``."""
    model: Options
    """Its resolved configuration, as it was written."""
    task: Annotated[str, Field(pattern=r"^[\w.-]+/[\w.-]+-v\d+$", max_length=200)]
    """The task's id with its version, such as ``ntm_envs/Copy-v0``."""
    seed: Count
    """Seed of the training."""
    training: Training | None
    """None for an agent that was not trained here."""
    privileges: list[Annotated[str, Field(pattern=NAME)]] = []
    """Exceptions to the rules that it was allowed, such as ``long_validation``."""
    held: Held | None = None
    """The place of its weights, if they do not lie beside it."""
    status: Literal["self-reported", "verified", "doubted"] = "self-reported"
    """Source of the numbers: a claim; or a verifier, whose numbers confirm the claim, or differ by more than
    chance explains."""
    commitment: Hex
    """SHA-256 of everything that decides the agent's behaviour; the sequences are drawn from it."""
    nonce: Hex
    """Second seed of the sequences: zeros if self-reported, otherwise drawn by the verifier."""
    seconds: Annotated[float, Field(ge=0)]
    """Wall time of the evaluation."""
    rungs: Annotated[list[Rung], Field(min_length=1)]
    """The rungs of the ladder that were played."""
    versions: dict[str, str]
    """Versions of the packages that the numbers depend on."""
    commit: str | None
    """Git commit of this project, if it ran from a checkout."""
    hardware: str
    """The machine that it ran on."""
    created: Annotated[AwareDatetime, Field(strict=False)]
    """Time at which it was made."""

    @model_validator(mode="before")
    @classmethod
    def _present(cls, record: Any) -> Any:
        """Bring records of earlier versions to the present one, and refuse others first."""
        return migrate(record) if isinstance(record, dict) else record

    @model_validator(mode="after")
    def _each_rung_once(self) -> Result:
        sizes = [rung.sizes for rung in self.rungs]
        if twice := [found for i, found in enumerate(sizes) if found in sizes[:i]]:
            raise ValueError(f"rungs has {twice[0]} twice; expected each size once")
        return self

    @property
    def description(self) -> dict[str, Any]:
        """The agent and its training as they were written, with the fields of `config.json`."""
        description = {"format": self.format, "entry": self.entry, "model": self.model}
        if self.training:
            description |= {"learner": self.training.learner, "train": self.training.recipe}
        return description

    def write(self, path: Path) -> None:
        """Write the result as JSON, atomically."""
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, f"{self.model_dump_json(indent=2)}\n".encode())

    @classmethod
    def read(cls, path: Path) -> Result:
        """Read a result.

        Raises:
            FileNotFoundError: If it is not there.
            ValueError: If it is not one, or no plain file; the message names the file and the field.
        """
        check_plain(path, LARGEST_RECORD)
        try:
            return cls.model_validate_json(path.read_bytes())
        except ValidationError as error:
            raise ValueError(f"{path} is not a result: {error}") from error


def migrate(record: dict[str, Any]) -> dict[str, Any]:
    """Return a record of any known version as one of the present version.

    Raises:
        ValueError: If its version is unknown.
    """
    version = record.get("schema_version", VERSION)
    if type(version) is not int or not 1 <= version <= VERSION:
        raise ValueError(
            f"schema_version is {version!r}; this ntm-envs reads 1 to {VERSION}, so evaluate the run again, "
            "or use the version of ntm-envs that the result names"
        )
    for change in (_with_symbols, _with_learner)[version - 1 :]:
        record = change(record)
    return record


RENAMED = {"bits": "symbols", "wrong_bits": "wrong_symbols", "coin-flips": "uniform"}
"""New names of fields of rungs, by those of version 1."""


def _with_symbols(record: dict[str, Any]) -> dict[str, Any]:
    """Return a record of version 1 as one of version 2."""

    def renamed(part: Any) -> Any:
        if isinstance(part, dict):
            return {RENAMED.get(name, name): renamed(value) for name, value in part.items()}
        return part

    if isinstance(rungs := record.get("rungs"), list):
        record = {**record, "rungs": [renamed(rung) for rung in rungs]}
    return {**record, "schema_version": 2}


def _with_learner(record: dict[str, Any]) -> dict[str, Any]:
    """Return a record of version 2, which has a track and no format, as one of version 3."""
    training = record.get("training")
    if isinstance(training, dict):
        track, recipe = training.get("track", "supervised"), training.get("recipe")
        learner = recipe.get("algorithm", "ppo") if track == "reward" and isinstance(recipe, dict) else track
        record = {**record, "training": {"track": track, "learner": learner, **training}}
    return {**record, "format": 1, "schema_version": 3}


if __name__ == "__main__":
    print(json.dumps(Result.model_json_schema(), indent=2))
