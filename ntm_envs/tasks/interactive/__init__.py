"""Suite `interactive`: tasks in which what an agent does changes what it sees."""
