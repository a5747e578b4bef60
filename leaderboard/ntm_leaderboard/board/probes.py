"""The probes of committed results that were verified before there were probes, by their commitments.

    python -m ntm_leaderboard.board.probes leaderboard/results > leaderboard/probes.json

plays with the weights of these results, in the file and in the history of the project.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path

from pydantic import TypeAdapter

from ntm_leaderboard.board.weights import with_weights
from ntm_leaderboard.harness.entrants import from_run, references
from ntm_leaderboard.harness.probe import probe
from ntm_leaderboard.results import Probe, Result

PROBES = Path("leaderboard/probes.json")
"""Their file, from the root of the project."""


def with_probes(results: Iterable[Result], path: Path) -> list[Result]:
    """Return results, those without a probe with the one that a file has for their commitment."""
    probes = TypeAdapter(dict[str, Probe]).validate_json(path.read_bytes())
    return [
        result.model_copy(update={"probe": result.probe or probes.get(result.commitment)})
        for result in results
    ]


def main(folder: Path) -> None:
    """Print the probes of the results in a folder that have none, a line each."""
    lines = []
    for path in sorted(folder.rglob("result.json")):
        run, result = path.parent, Result.read(path)
        if result.probe is None:
            with with_weights(run, result.held) as whole:
                entrant = from_run(whole)
            assert entrant.untrained is not None
            found = probe(
                entrant.agent,
                entrant.untrained,
                entrant.weights,
                entrant.spec,
                entrant.commitment,
                references=references(entrant.spec.make()),
                whole=entrant.trusted,
            )
            lines.append(f'"{result.commitment}":{found.model_dump_json()}')
    print("{\n" + ",\n".join(lines) + "\n}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
