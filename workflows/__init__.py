"""The deterministic side: contracts, pipelines and the visit engine. Lowest layer: imports nothing of ours above it."""
