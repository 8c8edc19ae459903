"""What Alembic runs: the migrations of one kind of database, in the transaction that `ledger/migrate.py` began."""

from alembic import context

context.configure(connection=context.config.attributes["connection"], transactional_ddl=True)
context.run_migrations()
