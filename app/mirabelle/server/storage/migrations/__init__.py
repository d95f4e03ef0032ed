"""Carries a database from the version it has to the newest: each step is a module in `versions`."""

from pathlib import Path

from sqlalchemy import Connection

from mirabelle.server.storage.schema import metadata


def upgrade(connection: Connection) -> None:
    """Run the steps that this database has not seen, inside the caller's transaction."""
    from alembic.config import Config
    from alembic.migration import MigrationContext
    from alembic.operations import Operations
    from alembic.runtime.environment import EnvironmentContext
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.set_main_option("path_separator", "os")
    scripts = ScriptDirectory.from_config(config)

    def steps(revision: object, _context: MigrationContext) -> list[object]:
        return scripts._upgrade_revs("head", revision)  # type: ignore[arg-type,return-value]

    with EnvironmentContext(config, scripts, fn=steps) as environment:
        environment.configure(connection=connection, target_metadata=metadata)
        context = environment.get_context()
        with Operations.context(context):
            context.run_migrations()
