"""Alembic's environment: it runs on the connection that `activities.store.schema` hands in."""

from alembic import context

from activities.store.schema import OPTIONS

context.configure(connection=context.config.attributes["connection"], **OPTIONS)
with context.begin_transaction():
    context.run_migrations()
