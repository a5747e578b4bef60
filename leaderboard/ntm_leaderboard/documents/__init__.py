"""The parts of `README.md` and `docs/` that are made from data: tests compare them with the files.

`rankings.py` makes the table of the README, `results.py` the page of the classic suite, `hierarchy.py` the
tables of formal languages, `ablations.py` those of ablations, and `model_card.py` the cards of the pretrained
machines. The scripts in `benchmarks/` print or write them.
"""
