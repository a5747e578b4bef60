"""A result of one agent on one task: an immutable JSON file. Nothing derived is stored.

    python -m ntm_leaderboard.results > leaderboard/result.schema.json

writes the schema as JSON Schema, for other readers of results.

Version 3 of the schema. Results of versions 1 and 2 are read as well (:mod:`ntm_leaderboard.earlier`). Those
of other versions are refused, as are unknown or missing fields, values beyond the bounds of their fields
(:mod:`ntm_leaderboard.fields`), and impossible counts.

`entry`, `model` and `training.recipe` repeat the run's `config.json` as it was written, in the names of its
format (:mod:`ntm_agents.migrate`).
"""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError, model_validator

from ntm_envs.files import check_plain, write_atomically
from ntm_leaderboard.earlier import migrate
from ntm_leaderboard.fields import (
    AGENT,
    Count,
    Hex,
    Name,
    NotNegative,
    Options,
    Positive,
    Real,
    Text,
    explain,
)

LARGEST_RECORD = 2**20
"""Largest number of bytes of a result."""
NO_NONCE = "0" * 64
"""The nonce of self-reported results."""
SKETCH = 32
"""Numbers of a sketch (:mod:`ntm_leaderboard.harness.probe`)."""
HELD = r"^(https://[!-~]+|git:[0-9a-f]{40}:[A-Za-z0-9_./-]+)$"
"""The pattern of addresses of weights."""
MOST_BITS = 20
"""Largest cost of a symbol in bits, as :mod:`ntm_envs.answers` clips probabilities."""
SEEDS = 5
"""Seeds that an agent needs on every task of a suite to be ranked on it."""


class Record(BaseModel):
    """The base of all parts of a result."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, strict=True)


class Score(Record):
    """The score of an agent on the sequences of a rung."""

    all_right: Count
    """Number of sequences without a wrong symbol."""
    wrong_symbols: Count
    """Wrong symbols of all sequences together; on tasks of bits, wrong bits."""
    mean_return: Real
    """Mean return of an episode."""
    cost_in_bits: NotNegative | None
    """Mean negative log2-likelihood of a sequence; None for an agent that outputs answers, and where there
    are no targets."""
    metrics: Annotated[dict[Name, Real], Field(max_length=32)] = {}
    """Further metrics by name."""


class Rung(Record):
    """One rung of a ladder: sequences of one size."""

    sizes: Annotated[dict[Name, Annotated[int, Field(gt=0, le=10**6)]], Field(min_length=1, max_length=8)]
    """The size of every sequence."""
    sequences: Positive
    """Number of sequences that were played."""
    symbols: Positive
    """Scored symbols of all sequences together."""
    score: Score
    """Score of the agent."""
    references: Annotated[dict[Name, Score], Field(max_length=8)]
    """Scores of uniform guesses, the best constant output and the oracle on the same sequences. Where there
    is no oracle, `reference` is a good agent, if there is one."""

    @model_validator(mode="after")
    def _possible(self) -> Rung:
        if self.symbols < self.sequences:
            raise ValueError(f"symbols is {self.symbols}; expected at least {self.sequences}, one a sequence")
        for name, score in {"score": self.score, **self.references}.items():
            if score.all_right > self.sequences:
                raise ValueError(f"{name}.all_right is {score.all_right} of {self.sequences} sequences")
            if score.wrong_symbols > self.symbols:
                raise ValueError(f"{name}.wrong_symbols is {score.wrong_symbols} of {self.symbols} symbols")
            # Every wrong sequence has a wrong symbol, and every correct one a correct symbol.
            least, most = self.sequences - score.all_right, self.symbols - score.all_right
            if not least <= score.wrong_symbols <= (most if least else 0):
                raise ValueError(
                    f"{name}: {score.wrong_symbols} wrong symbols and {score.all_right} of {self.sequences} "
                    "correct sequences contradict each other"
                )
            if score.cost_in_bits is not None:
                self._check_cost(name, score.wrong_symbols, score.cost_in_bits)
        return self

    def _check_cost(self, name: str, wrong: int, cost: float) -> None:
        """Check the cost of a sequence: a wrong symbol costs at least one bit, and none more than twenty.

        The probabilities of a symbol sum to 1 only nearly, so that a wrong one may cost a little less.
        """
        least, most = 0.999 * wrong / self.sequences, MOST_BITS * self.symbols / self.sequences
        if not least <= cost <= most * (1 + 1e-6):
            raise ValueError(
                f"{name}.cost_in_bits is {cost}, and {wrong} of {self.symbols} symbols are wrong; expected "
                f"{least:.3f} to {most:.3f} bits of each of {self.sequences} sequences"
            )

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

    def scaled_return(self) -> float:
        """Return the share, from 0 to 1, of the gap between the best constant output and the best agent.

        The gap is in mean return, on the same sequences; the best agent is the oracle (`best`).

        Raises:
            ValueError: If there is no such gap, or the return of the constant output is unknown.
        """
        most = self.best[1]
        constant = self.references.get("constant")
        if constant is None or not most > constant.mean_return:
            found = {name: score.mean_return for name, score in self.references.items()}
            raise ValueError(
                f"references at {self.sizes} are {found}; expected a constant output, and an oracle above it"
            )
        least = constant.mean_return
        return min(1.0, max(0.0, (self.score.mean_return - least) / (most - least)))


class Probe(Record):
    """Measurements that tell whether a model has learnt, and whether it is a copy of another one.

    Numbers of two models are compared by :func:`ntm_leaderboard.board.copies.distance`.
    """

    untrained: Annotated[float, Field(ge=0, le=1)] | None
    """Score of the model before training, with initial weights, at the largest training size; None where
    references define no scale."""
    outputs: Annotated[list[Real], Field(min_length=SKETCH, max_length=SKETCH)]
    """Sketch of its outputs for common inputs."""
    weights: Annotated[list[Real], Field(min_length=SKETCH, max_length=SKETCH)]
    """Sketch of its weights."""


class Training(Record):
    """The training of a model."""

    learner: Name
    """Name of the learner, such as ``supervised`` or ``ppo``."""
    track: Literal["supervised", "reward"]
    """Learning from targets, or from rewards alone. Agents are ranked among those of their track."""
    sequences: Count
    """Training sequences seen, those before restarts included."""
    steps: Count | None = None
    """Steps of environments that were taken, if it learnt from rewards."""
    seconds: NotNegative
    """Wall time of the training."""
    restarts: Count
    """Number of restarts from new weights."""
    dropped_updates: Count
    """Updates that were dropped because loss or gradient were not finite."""
    parameters: Count
    """Trainable parameters of the model, without those of a critic, which does not play."""
    kernel: Text | None = None
    """Kernel of the model in training, if there are several: ``reference``, ``fused``, ``compiled``."""
    state_values: Count
    """Numbers in its state for one sequence of the largest training size."""
    recipe: Options
    """The configuration of the training, as it was written."""


class Held(Record):
    """The place of weights that are too large to lie beside their result."""

    address: Annotated[str, Field(pattern=HELD, max_length=2000)]
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
    agent: Annotated[str, Field(pattern=AGENT)]
    """Name of the agent."""
    format: Positive
    """Format in which `entry`, `model` and `training.recipe` were written (:mod:`ntm_agents.migrate`)."""
    entry: Text
    """Reference to its class, such as ``ntm_agents:NTM``."""
    model: Options
    """Its resolved configuration, as it was written."""
    task: Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+-v[0-9]+$", max_length=200)]
    """The task's id with its version, such as ``ntm_envs/Copy-v0``."""
    seed: Annotated[int, Field(ge=0, lt=2**63)]
    """Seed of the training."""
    training: Training | None
    """None for an agent that was not trained here."""
    privileges: Annotated[list[Name], Field(max_length=8)] = []
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
    seconds: NotNegative
    """Wall time of the evaluation."""
    rungs: Annotated[list[Rung], Field(min_length=1, max_length=256)]
    """The rungs of the ladder that were played, all with the same references."""
    probe: Probe | None = None
    """Measurements of the model beside its scores; None for an agent that was not trained here, and in
    results that were made before there were any."""
    versions: Annotated[dict[Text, Text], Field(max_length=32)]
    """Versions of the packages that the numbers depend on."""
    commit: Text | None
    """Git commit of this project, if it ran from a checkout."""
    hardware: Text
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
        names = [sorted(rung.references) for rung in self.rungs]
        if others := [found for found in names if found != names[0]]:
            raise ValueError(f"references are {names[0]} at one rung and {others[0]} at another")
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
            raise ValueError(f"{path} is not a result: {explain(error)}") from error


if __name__ == "__main__":
    print(json.dumps(Result.model_json_schema(), indent=2))
