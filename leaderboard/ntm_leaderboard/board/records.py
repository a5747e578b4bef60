"""Records of verifications. A record counts only in the folder in which a verifier keeps them.

A submission cannot vouch for itself, so no file of it is ever taken for a record. Whoever shows results names
the folder of those records that they trust: their own, or `leaderboard/verified` of this project.

A record names who made it, and its result names with what: versions, commit, machine, time and nonce. It has
the SHA-256 of each file that was played, and is no record of any others.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, ValidationError

from ntm_agents.training.run import WEIGHTS
from ntm_envs import tasks
from ntm_envs.files import check_plain, write_atomically
from ntm_leaderboard.board.weights import LARGEST_HELD
from ntm_leaderboard.fields import Hex
from ntm_leaderboard.results import LARGEST_RECORD, NO_NONCE, Record, Result

BY_VERIFIER = {"status", "nonce", "rungs", "probe", "seconds", "versions", "commit", "hardware", "created"}
"""The fields of a verified result that are not the claim's."""
PLAYED = ("config.json", WEIGHTS)
"""The files that decide what plays, besides the source of a custom model."""

LONGEST_NAME = 200
"""Largest number of characters of a verifier's name."""


class Verification(Record):
    """The record of a verification."""

    schema_version: Literal[1] = 1
    verifier: Annotated[str, Field(min_length=1, max_length=LONGEST_NAME)]
    """Name of whoever verified the result."""
    files: dict[Annotated[str, Field(pattern=r"^\w[\w.-]*$")], Hex]
    """The SHA-256 of the claim, `result.json`, and of each file that was played, by name."""
    confined: bool | None = None
    """Whether the code of the submission was confined while it played; None if it has none of its own, and in
    records that were made before this was noted."""
    result: Result
    """The verifier's numbers, in the description of the claim."""

    def doubted(self) -> Verification:
        """Return the same record of a claim that is doubted."""
        return self.model_copy(update={"result": self.result.model_copy(update={"status": "doubted"})})

    def write(self, folder: Path) -> None:
        """Write the record into a folder of records, atomically."""
        path = place(folder, self.result)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, f"{self.model_dump_json(indent=2)}\n".encode())


def check_records(folder: Path) -> None:
    """Check that records can be read from a folder: without it, all results would pass for mere claims.

    Raises:
        ValueError: If there is no such folder.
    """
    if not folder.is_dir():
        raise ValueError(
            f"--records is {folder}, which is no folder; expected one that `ntm-envs verify --records` "
            "has made"
        )


def place(folder: Path, claimed: Result) -> Path:
    """Return the path of the record of a result on a task of this project, in a folder of records."""
    return folder / tasks.spec(claimed.task).name / claimed.agent / f"seed-{claimed.seed}.json"


def digest(path: Path) -> str:
    """Return the SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_record(folder: Path, run: Path, claimed: Result) -> Verification | None:
    """Return the record of a claim and of the files beside it; None if there is none of exactly these.

    Args:
        folder: The folder of records.
        run: The folder of the claim.
        claimed: Its `result.json`.

    Raises:
        ValueError: If the record is damaged, or its result is not the claim's but for what is the verifier's.
    """
    if claimed.task not in {row.env_id for row in tasks.TABLE}:
        return None
    path = place(folder, claimed)
    try:
        check_plain(path, LARGEST_RECORD)
        record = Verification.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return None
    except ValidationError as error:
        raise ValueError(f"{path} is not a record of a verification: {error}") from error
    if not {"result.json", *PLAYED} <= record.files.keys() or any(
        found != _digest_in(run, name, claimed) for name, found in record.files.items()
    ):
        return None
    own, claim = (part.model_dump(exclude=BY_VERIFIER) for part in (record.result, claimed))
    if record.result.status == "self-reported" or record.result.nonce == NO_NONCE or own != claim:
        raise ValueError(f"{path} contradicts the result that it is of; delete it, and verify anew")
    return record


def verified_or_claimed(path: Path, records: Path | None) -> Result:
    """Return a result, or what a verifier found in its place.

    Args:
        path: The `result.json`.
        records: A folder of records; without it, none count.

    Raises:
        ValueError: If the result or its record is damaged, or the result calls itself verified.
    """
    claimed = Result.read(path)
    if claimed.status != "self-reported":
        raise ValueError(
            f"{path} has status {claimed.status!r}; a result cannot vouch for itself, so expected "
            "'self-reported', and a record elsewhere: ntm-envs verify"
        )
    record = read_record(records, path.parent, claimed) if records else None
    return record.result if record else claimed


def _digest_in(run: Path, name: str, claimed: Result) -> str | None:
    """Return the SHA-256 of a file of a run, also if it is held elsewhere; None if it is not there."""
    if name == WEIGHTS and claimed.held:
        return claimed.held.sha256  # where the file is there too, a verifier has compared it
    path = run / name
    try:
        check_plain(path, LARGEST_HELD)
    except (FileNotFoundError, ValueError):
        return None
    return digest(path)
