"""Suite `graph`: paths in random graphs, the tasks with which the Differentiable Neural Computer was published.

Graves et al., *Hybrid computing using a neural network with dynamic external memory* (Nature 538, 2016).
"""
