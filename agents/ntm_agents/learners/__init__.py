"""Rows of learners: a file a learner, its row as ROW (:mod:`ntm_agents.training.learners`)."""
