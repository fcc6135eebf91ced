"""The crash test: the product as real processes, killed and stopped at random and between any two commits."""
