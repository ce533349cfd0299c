"""The lake: the facts of event logs and topics as Parquet, each event once, by table, month and bucket of persons.

`layout` and `manifest` say what lies where, `build` makes a lake of logs or adds to one, `append` adds small batches of a
topic and keeps it fast, `read` opens it for a replay.
"""

from streams.lake.append import Appended, Appender, Tidied
from streams.lake.batch import Batch, Record, decode_records, joined
from streams.lake.build import LakeReport, build_lake
from streams.lake.layout import bucket_of, is_lake
from streams.lake.read import Lake, News, Position, open_lake
from streams.lake.writer import GRACE

__all__ = [
    "GRACE",
    "Appended",
    "Appender",
    "Batch",
    "Lake",
    "LakeReport",
    "News",
    "Position",
    "Record",
    "Tidied",
    "bucket_of",
    "build_lake",
    "decode_records",
    "is_lake",
    "joined",
    "open_lake",
]
