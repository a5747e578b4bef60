"""`ntm-envs verify`: check a submission, and play its ladder anew."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import tyro

from ntm_envs.files import check_writable
from ntm_leaderboard.board import verify
from ntm_leaderboard.board.admission import contradiction
from ntm_leaderboard.board.boards import SHIPPED, load
from ntm_leaderboard.board.confinement import obstacle
from ntm_leaderboard.board.player import check_limits
from ntm_leaderboard.board.private_copy import copy_plain
from ntm_leaderboard.board.records import LONGEST_NAME, Verification, check_records, place, read_record
from ntm_leaderboard.cli import progress
from ntm_leaderboard.cli.parsing import parse
from ntm_leaderboard.cli.terminal import console, plain, say
from ntm_leaderboard.harness.jobs import Shard
from ntm_leaderboard.results import Result

LONGEST = 2000
"""Largest number of characters of a reason that is printed; a part of it may be the submission's."""


class RecordError(Exception):
    """A failure to write or delete a record, which is no fault of the submission."""


@dataclass(frozen=True, kw_only=True)
class VerifyOptions:
    """Check the files of a submission, and evaluate its models again.

    Each model plays the ladder in a process of its own, on sequences that are drawn after it has been loaded.
    With --records, the outcome is written into a folder of yours, and stands in place of the claim where that
    folder is named; where the two disagree, or the model is a copy of another one, it is marked as doubted.
    How a model was trained cannot be seen from its weights, and is not verified.

    Example:
        ntm-envs verify submission --records my-records
    """

    folder: tyro.conf.Positional[Path]
    """Folder that `ntm-envs submit` has made, or a part of it."""
    records: Path | None = None
    """Folder of your records, apart from any submission. The record of a submission is deleted first, and
    written anew only after a verdict."""
    verifier: str = "anonymous"
    """Your name, which records have."""
    replay: bool = False
    """Replay the sequences of each claim, and of its record in --records, and compare; write nothing."""
    trust_code: bool = False
    """Execute the source files of a submission, confined as far as this system can: read them first."""
    minutes: float = 60.0
    """Time limit per model."""
    gibibytes: float = 4.0
    """Memory limit per model."""
    shard: str | None = None
    """Part of the models, such as 2/8 for the second of eight parts: every model is in exactly one, and parts
    may be verified at the same time."""


def main(argv: list[str]) -> int:
    """Run the command and return the exit code."""
    options = parse(VerifyOptions, argv, "verify")
    name = options.verifier
    if not (0 < len(name) <= LONGEST_NAME and name.isprintable()):  # a record could not be written
        raise ValueError(
            f"verifier is {name[:LONGEST_NAME]!a}; expected 1 to {LONGEST_NAME} printable characters"
        )
    check_limits(options.minutes, options.gibibytes)
    folders = list(verify.runs_in(options.folder))
    if not folders:
        raise ValueError(f"there is no result.json in {options.folder}; name the folder that submit has made")
    if options.records and options.folder.resolve() in (options.records / "x").resolve().parents:
        raise ValueError(
            f"--records is {options.records}, inside the submission, which could bring records of its own; "
            "choose a folder elsewhere"
        )
    if options.records and options.replay:
        check_records(options.records)
    if options.trust_code and (reason := obstacle()):
        console.print(
            f"[yellow]Code of a submission is not confined here[/]: {plain(reason)}. It can read and change "
            "what your account can, and use the network. leaderboard/README.md says what still holds."
        )
    if options.shard:
        folders = Shard.parse(options.shard).of(folders)
    failed, board = 0, load(SHIPPED)
    for folder in folders:
        record, unwritten = None, []
        try:
            found, record = _doubts_in_private(folder, options, board)
            verdict = "[green]plays the same again[/]" if options.replay else "[green]verified[/]"
            if found:
                verdict = "[yellow]doubted[/]"
        except RecordError as error:
            found, verdict = [str(error)], "[red]not verified[/]"
        except Exception as error:
            found, verdict = [str(error) or repr(error)], "[red]refused[/]"
        if record and options.records:
            try:
                with _naming_record(place(options.records, record.result)):
                    record.write(options.records)
            except RecordError as error:
                unwritten, verdict = [str(error)], f"{verdict}, but not recorded"
        failed += bool(found or unwritten)
        console.print(f"{plain(str(folder))}: {verdict}", highlight=False, soft_wrap=True)
        for text in found + unwritten:
            say(f"    {' '.join(text.split())[:LONGEST]}")
    if not options.records and not options.replay:
        say("No record was written; to keep one, name a folder: --records")
    return 1 if failed else 0


def _forget(folder: Path, records: Path) -> None:
    """Delete the record of a submission, and none of other files: names are the submission's choice."""
    claimed = Result.read(folder / "result.json")
    with suppress(ValueError):  # it is damaged
        if read_record(records, folder, claimed) is None:
            return
    path = place(records, claimed)
    with _naming_record(path):
        path.unlink(missing_ok=True)


@contextmanager
def _naming_record(path: Path) -> Iterator[None]:
    """Tell errors of the system about a record from those about a submission.

    Raises:
        RecordError: If one occurs.
    """
    try:
        yield
    except OSError as error:
        raise RecordError(
            f"the record cannot be written to {path} ({error.strerror}); mend that, and verify anew"
        ) from error


def _doubts_in_private(
    folder: Path, options: VerifyOptions, board: list[Result]
) -> tuple[list[str], Verification | None]:
    """Evaluate a private copy of a submission, and name the submission in errors; see `_doubts`."""
    with tempfile.TemporaryDirectory() as made:
        private = Path(made).resolve() / folder.resolve().name
        try:
            _copy(folder, private, options)
            return _doubts(private, options, board)
        except RecordError:
            raise
        except Exception as error:
            raise ValueError((str(error) or repr(error)).replace(str(private), str(folder))) from error


def _copy(folder: Path, private: Path, options: VerifyOptions) -> None:
    """Copy a submission; if that is refused, no record of its files is kept either."""
    try:
        copy_plain(folder, private)
    except Exception:
        if options.records and not options.replay:
            _forget(folder, options.records)
        raise


def _doubts(
    folder: Path, options: VerifyOptions, board: list[Result]
) -> tuple[list[str], Verification | None]:
    """Evaluate a submission, on new sequences or on those of its records.

    Return what disagrees, and the record to keep; there is none of a replay.

    What is verified joins the board, so that the next one of the same submission cannot be its copy.
    """
    if options.records and not options.replay:
        _forget(folder, options.records)
    claimed = verify.check(folder, trust_code=options.trust_code)
    with progress.evaluation_display(console) as display:
        play = partial(
            verify.verify,
            folder,
            options.verifier,
            minutes=options.minutes,
            gibibytes=options.gibibytes,
            report=display,
        )
        if not options.replay:
            if options.records:
                path = place(options.records, claimed)
                with _naming_record(path):
                    check_writable(path)
            record = play()
            found = verify.doubts(claimed, record.result)
            found += filter(None, [contradiction(record.result, board)])
            board.append(record.result)
            return found, record.doubted() if found else record
        results = [claimed]
        if options.records and (kept := read_record(options.records, folder, claimed)):
            results.append(kept.result)
        found = []
        for before in results:
            again = play(nonce=before.nonce).result
            found += [f"{before.status}: {text}" for text in verify.differences(before, again)]
    return found, None
