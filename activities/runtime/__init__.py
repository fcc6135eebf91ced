"""What every process needs at its start: settings, logging, metrics, the Temporal client."""
