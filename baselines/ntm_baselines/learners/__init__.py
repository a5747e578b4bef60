"""Rows of learners that learn from rewards alone: a file a learner, its options and its row as ROW.

None of them imports Stable-Baselines3, so that options and tables can be read without it.
"""
