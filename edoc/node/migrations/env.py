"""Alembic's entry: runs on the connection that `edoc.node.database.migrate` hands over."""

from alembic import context

from edoc.node.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    transaction_per_migration=False,
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
