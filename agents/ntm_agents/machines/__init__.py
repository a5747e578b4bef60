"""Memory machines, a file each: a model that reads and writes an external memory."""
