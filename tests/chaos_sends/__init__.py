"""The exactly-once run: every channel over vendors that fail half of the time, while the workers are killed."""
