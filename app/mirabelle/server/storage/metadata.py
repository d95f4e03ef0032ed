"""What all tables share: the names of their constraints, and the key of whatever is a participant's."""

from typing import Any

from sqlalchemy import Column, Integer, MetaData, String

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    }
)


def participant_key() -> tuple[Column[Any], Column[Any]]:
    """The first columns of a table whose rows are participants': the cell, then who it is."""
    return Column("cell", Integer, primary_key=True), Column("participant", String, primary_key=True)
