"""Writes `docs/results.md` and `docs/results-recall.md`: the suites classic and recall at every size.

    .venv/bin/ntm-envs bench --suite classic
    .venv/bin/ntm-envs submit bench/classic --output leaderboard/results
    .venv/bin/ntm-envs verify leaderboard/results --records leaderboard/verified
    .venv/bin/python benchmarks/classic.py

The first command trains and evaluates the runs, and resumes where it was interrupted. The last reads the
verified results, and writes every size into the pages. A test keeps them current.
"""

from pathlib import Path

from ntm_leaderboard.board.boards import results_in
from ntm_leaderboard.documents.results import recall_page, results_page

ROOT = Path(__file__).parents[1]

if __name__ == "__main__":
    results = results_in(ROOT / "leaderboard" / "results", ROOT / "leaderboard" / "verified")
    for name, page in {"results": results_page(results), "results-recall": recall_page(results)}.items():
        (ROOT / "docs" / f"{name}.md").write_text(page, encoding="utf-8")
