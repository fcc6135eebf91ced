"""Alembic's environment and revisions; run by `activities.store.schema`, never by alembic's own command."""
