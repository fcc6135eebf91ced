"""What crosses Temporal: ids, events, plans, run outcomes, order state. Pydantic only; no person's data."""
