"""What a shop configures, and the pure decisions on it. No I/O, no temporalio, no clock: `now` is an argument."""
