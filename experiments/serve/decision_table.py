"""The decision log in PostgreSQL: one table, to which many services may write."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import sqlalchemy
from sqlalchemy import Column, Double, MetaData, Table, Text, insert, select
from sqlalchemy.engine import URL, Engine
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from data_schemas.errors import ContractError, RunError
from experiments.serve.decision_log import Decision

CONNECT_SECONDS = 5
DRIVER = "postgresql+psycopg2"
TABLE = Table(
    "creditfusion_decisions",
    MetaData(),
    Column("number", sqlalchemy.BigInteger, sqlalchemy.Identity(), primary_key=True),
    Column("time", Text, nullable=False),
    Column("id", Text, index=True),
    Column("model", Text, nullable=False),
    Column("route", Text, nullable=False),
    Column("experiment", Text, nullable=False),
    Column("share", Double, nullable=False),
    Column("inputs", Text, nullable=False),
    Column("pd", Double),
    Column("score", Double),
    Column("decision", Text, nullable=False),
    Column("refer_reason", Text, nullable=False),
    Column("reasons", Text, nullable=False),
    Column("rejected", Text, nullable=False),
    Column("ms", Double, nullable=False),
)


class DecisionTable:
    """Decisions as rows of ``creditfusion_decisions``; made by ``open``."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @staticmethod
    def open(url: str) -> DecisionTable:
        """The table behind a URL, made where there is none.

        Raises ContractError for what is no URL, RunError for a database that cannot be used; neither holds a password.
        """
        address = _address(url)
        try:
            engine = sqlalchemy.create_engine(
                address, pool_pre_ping=True, hide_parameters=True, connect_args={"connect_timeout": CONNECT_SECONDS}
            )
            TABLE.metadata.create_all(engine)
        except ImportError as error:
            remedy = "pip install 'creditfusion[postgres]'."
            raise RunError("the driver for PostgreSQL is not installed", remedy) from error
        except SQLAlchemyError as error:
            shown = address.set(query={}).render_as_string(hide_password=True)
            raise RunError(
                f"the database {shown} cannot be used", "Check address, name, password and rights."
            ) from error
        return DecisionTable(engine)

    def append(self, decisions: Sequence[Decision]) -> None:
        """As of a ``DecisionLog``."""
        if not decisions:
            return
        rows = [asdict(one) | {"reasons": json.dumps(one.reasons)} for one in decisions]
        try:
            with self._engine.begin() as connection:
                connection.execute(insert(TABLE), rows)
        except SQLAlchemyError as error:
            what = "the database of the decision log does not take them"
            raise RunError(what, "Bring it back; requests are refused until then.") from error

    def read(self) -> list[Decision]:
        """All decisions, in their order; raises RunError for a database that does not answer."""
        try:
            with self._engine.begin() as connection:
                rows = connection.execute(select(TABLE).order_by(TABLE.c.number)).mappings().all()
        except SQLAlchemyError as error:
            raise RunError("the database of the decision log does not answer", "Bring it back.") from error
        return [_decision(dict(row)) for row in rows]

    def close(self) -> None:
        """As of a ``DecisionLog``."""
        self._engine.dispose()


def _decision(row: dict[str, Any]) -> Decision:
    del row["number"]
    return Decision(**row | {"reasons": tuple(json.loads(row["reasons"]))})


def _address(url: str) -> URL:
    try:
        return sqlalchemy.make_url(url).set(drivername=DRIVER)
    except (ArgumentError, ValueError) as error:
        remedy = "Write it as postgresql://USER:PASSWORD@HOST/DATABASE."
        raise ContractError("--log is no URL of a database", remedy) from error
