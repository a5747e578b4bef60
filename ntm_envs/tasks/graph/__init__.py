"""Suite `graph`: the graph tasks of the Differentiable Neural Computer (Graves et al., Nature 538, 2016)."""
