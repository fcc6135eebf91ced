"""The stress test: two workers, one of which keeps no workflow, and everything that can happen to orders at once."""
