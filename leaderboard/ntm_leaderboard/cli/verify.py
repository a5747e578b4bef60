"""`ntm-envs verify`: check a submission, and play its ladder anew."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path

import tyro
from rich.markup import escape

from ntm_leaderboard.board import verify
from ntm_leaderboard.board.admission import contradiction
from ntm_leaderboard.board.boards import SHIPPED, load
from ntm_leaderboard.cli import progress
from ntm_leaderboard.cli.parsing import parse
from ntm_leaderboard.cli.terminal import console
from ntm_leaderboard.results import RECORD, Result


@dataclass(frozen=True, kw_only=True)
class VerifyOptions:
    """Check the files of a submission, and evaluate its models again.

    Each model plays the ladder in a process of its own, on sequences that are drawn after its weights are
    fixed. The outcome is written beside the claim as verified.json and replaces it on leaderboards; where
    the two disagree, or the model is a copy of another one, it is marked as doubted. How a model was trained
    cannot be seen from its weights, and is not verified.

    Example:
        ntm-envs verify submission
    """

    folder: tyro.conf.Positional[Path]
    """Folder that `ntm-envs submit` has made, or a part of it."""
    replay: bool = False
    """Replay the sequences of each record that is there, and compare; write nothing."""
    trust_code: bool = False
    """Execute the source files of a submission, with limits but without a sandbox: read them first."""
    minutes: float = 60.0
    """Time limit per model."""
    gibibytes: float = 4.0
    """Memory limit per model."""


def main(argv: list[str]) -> int:
    """Run the command and return the exit code."""
    options = parse(VerifyOptions, argv, "verify")
    folders = list(verify.runs_in(options.folder))
    if not folders:
        raise ValueError(f"there is no result.json in {options.folder}; name the folder that submit has made")
    failed, board = 0, load(SHIPPED)
    for folder in folders:
        try:
            found, verdict = _doubts(folder, options, board), "[yellow]doubted[/]"
        except Exception as error:
            found, verdict = [str(error) or repr(error)], "[red]refused[/]"
        failed += bool(found)
        if not found:
            verdict = "[green]plays the same again[/]" if options.replay else "[green]verified[/]"
        console.print(f"{escape(str(folder))}: {verdict}", highlight=False)
        for text in found:
            console.print(f"    {escape(text)}", highlight=False)
    return 1 if failed else 0


def _doubts(folder: Path, options: VerifyOptions, board: list[Result]) -> list[str]:
    """Evaluate a submission, on new sequences or on those of its records; return what disagrees.

    What is verified joins the board, so that the next one of the same submission cannot be its copy.
    """
    claimed = verify.check(folder, trust_code=options.trust_code)
    with progress.evaluation_display(console) as display:
        play = partial(
            verify.verify,
            folder,
            minutes=options.minutes,
            gibibytes=options.gibibytes,
            report=display,
        )
        if not options.replay:
            own = play()
            found = [*verify.doubts(claimed, own), *filter(None, [contradiction(own, board)])]
            if found:
                own = own.model_copy(update={"status": "doubted"})
            board.append(own)
            own.write(folder / RECORD)
            return found
        found = []
        for record in filter(None, (claimed, verify.check_record(folder, claimed))):
            again = play(nonce=record.nonce)
            found += [f"{record.status}: {text}" for text in verify.differences(record, again)]
    return found
