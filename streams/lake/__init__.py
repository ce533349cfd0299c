"""The lake: the facts of event logs as Parquet, each event once, by table, month and bucket of persons.

`layout` says what lies where, `build` makes a lake of logs or adds to one, `read` opens it for a replay.
"""

from streams.lake.build import LakeReport, build_lake
from streams.lake.layout import bucket_of, is_lake
from streams.lake.read import Lake, open_lake

__all__ = ["Lake", "LakeReport", "bucket_of", "build_lake", "is_lake", "open_lake"]
