"""Rows of agents with their recipes: a file an agent, its row as ROW, the reasons beside the numbers.

A file that is added here is found by itself (:func:`ntm_agents.rows.rows_in`).
"""
