"""The base of all tables: their own metadata, with names for every constraint so that migrations can change them."""

from sqlalchemy import MetaData, Table
from sqlalchemy.orm import registry
from sqlmodel import SQLModel

METADATA = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)


class Base(SQLModel, registry=registry(metadata=METADATA)):
    """A table of the store. Tables do not validate and never leave this package."""


def core(model: type[Base]) -> Table:
    """Give the Core table of a model; statements are written against it."""
    return METADATA.tables[str(model.__tablename__)]
