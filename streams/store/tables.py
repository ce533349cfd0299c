"""The tables of the store as queries name them. How they come to be is in `steps/`; a test holds the two together."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    Dialect,
    Integer,
    LargeBinary,
    MetaData,
    Numeric,
    Table,
    Text,
)
from sqlalchemy.types import TypeDecorator, TypeEngine

_TIME = "%Y-%m-%d %H:%M:%S"


class Words(TypeDecorator[str]):
    """Text. PostgreSQL has no NUL in it: in both databases U+FFFD stands for one."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:  # noqa: ARG002
        """As it is stored."""
        return value.replace("\0", "\ufffd") if value and "\0" in value else value


class Money(TypeDecorator[Decimal]):
    """CNY, two places, exact: NUMERIC in PostgreSQL, whole cents in SQLite. Given as text or Decimal, read as Decimal."""

    impl = Numeric
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """The column's type in this database."""
        return dialect.type_descriptor(BigInteger() if dialect.name == "sqlite" else Numeric(16, 2))

    def process_bind_param(self, value: Decimal | str | None, dialect: Dialect) -> Any:
        """As it is stored."""
        if value is None:
            return None
        amount = Decimal(value)
        return int(amount.scaleb(2)) if dialect.name == "sqlite" else amount

    def process_result_value(self, value: Any, dialect: Dialect) -> Decimal | None:
        """As it is read."""
        if value is None:
            return None
        return Decimal(value).scaleb(-2) if dialect.name == "sqlite" else Decimal(value)


class PlatformTime(TypeDecorator[str]):
    """`yyyy-MM-dd HH:mm:ss`, Asia/Shanghai, no zone: a timestamp in PostgreSQL, text in SQLite."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """The column's type in this database."""
        return dialect.type_descriptor(Text() if dialect.name == "sqlite" else DateTime())

    def process_bind_param(self, value: str | None, dialect: Dialect) -> Any:
        """As it is stored."""
        if value is None or dialect.name == "sqlite":
            return value
        return datetime.fromisoformat(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> str | None:  # noqa: ARG002
        """As it is read."""
        return value.strftime(_TIME) if isinstance(value, datetime) else value


metadata = MetaData()

store_format = Table("store_format", metadata, Column("format", Integer, nullable=False))

alert = Table(
    "alert",
    metadata,
    Column("jr_id", Words, primary_key=True),
    Column("seq", BigInteger, nullable=False),
    Column("opened_seq", BigInteger, nullable=False),
    Column("status", Words, nullable=False),
    Column("reason", Words),
    Column("reason_msgid", Words),
    Column("speaker", Words, nullable=False),
    Column("revision", Words, nullable=False),
    Column("mode", Words, nullable=False),
    Column("rule_code", Words, nullable=False),
    Column("rule_id", Words, nullable=False),
    Column("family", Words, nullable=False),
    Column("rule_name", Words, nullable=False),
    Column("sev_deg", Words, nullable=False),
    Column("subject_type", Words, nullable=False),
    Column("subject", Words, nullable=False),
    Column("patn_id", Words),
    Column("fixmedins_code", Words),
    Column("vola_amt", Money, nullable=False),
    Column("vola_cont", Words, nullable=False),
    Column("route", Words, nullable=False),
    Column("stage", Words, nullable=False),
    Column("occurred_at", PlatformTime, nullable=False),
    Column("detected_at", PlatformTime, nullable=False),
)

revision = Table(
    "revision",
    metadata,
    Column("jr_id", Words, primary_key=True),
    Column("seq", BigInteger, primary_key=True),
    Column("kind", Words, nullable=False),
    Column("revision", Words, nullable=False),
    Column("reason", Words),
    Column("reason_msgid", Words),
    Column("speaker", Words, nullable=False),
    Column("rulebook", Words, nullable=False),
    Column("content", Words, nullable=False),
)

fact = Table(
    "fact",
    metadata,
    Column("fact_id", LargeBinary, primary_key=True),
    Column("msgid", Words, nullable=False),
    Column("table_name", Words, nullable=False),
    Column("row_no", Integer),
    Column("inf_time", Words, nullable=False),
    Column("data", Words, nullable=False),
)

evidence = Table(
    "evidence",
    metadata,
    Column("jr_id", Words, primary_key=True),
    Column("seq", BigInteger, primary_key=True),
    Column("fact_id", LargeBinary, primary_key=True),
)

source_position = Table(
    "source_position",
    metadata,
    Column("topic", Words, primary_key=True),
    Column("partition", Integer, primary_key=True),
    Column("next_offset", BigInteger, nullable=False),
)

loaded_run = Table(
    "loaded_run",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("run", Words, nullable=False),
)

known_cancellation = Table("known_cancellation", metadata, Column("msgid", Words, primary_key=True))

unmasked = Table(
    "unmasked",
    metadata,
    Column("at", Words, nullable=False),
    Column("by_whom", Words, nullable=False),
    Column("what", Words, nullable=False),
    Column("reason", Words, nullable=False),
)
