"""Suite `formal`: languages of the Chomsky hierarchy (Deletang et al. 2023, arXiv 2207.02098)."""
