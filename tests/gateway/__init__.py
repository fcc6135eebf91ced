"""The HTTP API over real HTTP, and the relay between the journal and Temporal."""
