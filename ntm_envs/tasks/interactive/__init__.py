"""Suite `interactive`: tasks in which actions change the observations."""
