"""Carries a database from the version it has to a newer one: each step is a module in `versions`."""

from pathlib import Path
from typing import TYPE_CHECKING, Final

from sqlalchemy import Connection

from mirabelle.server.storage.schema import metadata

if TYPE_CHECKING:
    from alembic.config import Config
    from alembic.runtime.migration import MigrationContext
    from alembic.script import ScriptDirectory

NEWEST: Final = "head"


def upgrade(connection: Connection, revision: str = NEWEST) -> None:
    """Run the steps up to `revision` that this database has not seen, inside the caller's transaction."""
    from alembic.operations import Operations
    from alembic.runtime.environment import EnvironmentContext

    config, scripts = _scripts()

    def steps(seen: object, _context: "MigrationContext") -> list[object]:
        return scripts._upgrade_revs(revision, seen)  # type: ignore[arg-type,return-value]

    with EnvironmentContext(config, scripts, fn=steps) as environment:
        environment.configure(connection=connection, target_metadata=metadata)
        context = environment.get_context()
        with Operations.context(context):
            context.run_migrations()


def newest_revision() -> str:
    """The version of the tables that the code knows."""
    return str(_scripts()[1].get_current_head())


def is_known(revision: str) -> bool:
    """Whether a database can be at `revision`."""
    return revision in {script.revision for script in _scripts()[1].walk_revisions()}


def _scripts() -> tuple["Config", "ScriptDirectory"]:
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.set_main_option("path_separator", "os")
    return config, ScriptDirectory.from_config(config)
