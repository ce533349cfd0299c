"""Exported files as tables of text: every column a trimmed text, every row with its file and line."""

from __future__ import annotations

import codecs
import csv
import gzip
import hashlib
import io
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from fnmatch import fnmatch
from pathlib import Path
from typing import IO, Any

import duckdb
import openpyxl
import zstandard

from streams.errors import Refused
from streams.imports.mapping import Mapping, Source

#: What DuckDB trims off a value: blanks, also the full-width one of Chinese tables, and ends of line.
_BLANKS = " \t\r\n\u3000"

_SECONDS_BETWEEN_LOOKS = 0.2

#: Told how much of the present statement is done, 0 to 1.
OnShare = Callable[[float], None]


@dataclass(frozen=True)
class Export:
    """One file of a source."""

    source: Source
    path: Path
    size: int
    sha256: str


@dataclass(frozen=True)
class Broken:
    """A line that is no row of its table at all."""

    line: int
    sentence: str
    raw: bytes


def assign(mapping: Mapping, tables: Sequence[Path]) -> list[Export]:
    """Give each file to the source whose pattern its name fits, sorted by source and name.

    Folders stand for the files in them; in a folder, files that fit no source are left alone. Raises `Refused`
    where a named file fits none or several, or where a source that is not optional gets none.
    """
    taken: dict[Path, Source] = {}
    for given in tables:
        inside = given.is_dir()
        for path in sorted(one for one in given.iterdir() if one.is_file()) if inside else [given]:
            if not path.exists():
                raise Refused(f"{path} does not exist.")
            fitting = [
                s for s in mapping.sources.values() if any(fnmatch(path.name, glob) for glob in s.files)
            ]
            if len(fitting) > 1:
                names = " and ".join(source.name for source in fitting)
                raise Refused(
                    f"{path.name} fits the sources {names} of {mapping.path.name}: make their 'files' narrower."
                )
            if fitting:
                taken[path] = fitting[0]
            elif not inside:
                patterns = ", ".join(glob for source in mapping.sources.values() for glob in source.files)
                raise Refused(
                    f"{path.name} fits no source of {mapping.path.name}; its patterns are {patterns}."
                )
    for source in mapping.sources.values():
        if not source.optional and source not in taken.values():
            raise Refused(
                f"no file for the source {source.name} ({', '.join(source.files)}): name it, or map it as optional."
            )
    order = list(mapping.sources.values())
    by_source = sorted(taken.items(), key=lambda one: (order.index(one[1]), one[0].name, str(one[0])))
    return [Export(source, path, path.stat().st_size, _sha256(path)) for path, source in by_source]


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def stage(
    con: duckdb.DuckDBPyConnection,
    export: Export,
    number: int,
    wanted: dict[str, str],
    mapping: Mapping,
    workspace: Path,
    on_share: OnShare,
) -> list[Broken]:
    """Append a file to the table `stage_<source>` (file_no, line, one text column for each of `wanted`).

    `wanted`: source column → name in the stage. Returns the lines that could not be read as rows; a missing column
    is refused.
    """
    path, skip = export.path, export.source.skip
    kind = path.name.removesuffix(".gz").removesuffix(".zst").rpartition(".")[2].lower()
    try:
        if kind == "parquet":
            return _stage_parquet(con, export, number, wanted, mapping, on_share)
        if kind in ("xlsx", "xlsm"):
            path = _from_excel(export, workspace / f"sheet-{number}.csv")
            return _stage_csv(
                con, export, path, number, wanted, mapping, on_share, delimiter=",", skip=0, before=skip
            )
        if kind in ("csv", "tsv", "txt"):
            if codecs.lookup(export.source.encoding).name != "utf-8":
                path = _as_utf8(export, workspace / f"text-{number}.csv")
            delimiter = "\t" if kind == "tsv" and export.source.delimiter == "," else export.source.delimiter
            return _stage_csv(
                con,
                export,
                path,
                number,
                wanted,
                mapping,
                on_share,
                delimiter=delimiter,
                skip=skip,
                before=skip,
            )
    except LookupError:
        export.source.node.wrong(f"names the unknown encoding '{export.source.encoding}'")
    except (duckdb.Error, OSError, UnicodeError, EOFError, zstandard.ZstdError) as error:
        first = str(error).splitlines()[0]
        raise Refused(f"{export.path} cannot be read: {first}") from error
    raise Refused(
        f"{export.path.name} is neither CSV (.csv, .tsv, .txt, also .gz and .zst), Excel (.xlsx) nor Parquet."
    )


def execute(
    con: duckdb.DuckDBPyConnection, sql: str, parameters: Sequence[Any] = (), on_share: OnShare | None = None
) -> None:
    """Run a statement and tell how far it is."""
    if on_share is None:
        con.execute(sql, list(parameters))
        return
    done = threading.Event()

    def look() -> None:
        while not done.wait(_SECONDS_BETWEEN_LOOKS):
            share = con.query_progress()
            if share > 0:
                on_share(min(share / 100, 1.0))

    watcher = threading.Thread(target=look, daemon=True)
    watcher.start()
    try:
        con.execute(sql, list(parameters))
    finally:
        done.set()
        watcher.join()


def _stage_csv(
    con: duckdb.DuckDBPyConnection,
    export: Export,
    path: Path,
    number: int,
    wanted: dict[str, str],
    mapping: Mapping,
    on_share: OnShare,
    *,
    delimiter: str,
    skip: int,
    before: int,
) -> list[Broken]:
    """`skip`: lines of `path` before its header; `before`: lines of the export before its header."""
    with _open_text(path, "utf-8-sig") as file:
        for _ in range(skip):
            file.readline()
        header = next(csv.reader(file, delimiter=delimiter, quotechar=export.source.quote), [])
    names = [name.strip(_BLANKS) for name in header]
    _check_columns(names, wanted, export, mapping)
    columns = ", ".join(f"'h{i}': 'VARCHAR'" for i in range(len(names)))
    picked = ", ".join(_cleaned(f"h{names.index(column)}", export) for column in wanted)
    sql = f"""
        insert into stage_{export.source.name}
        select {number}, row_number() over () + {1 + before}, {picked}
        from read_csv({literal(str(path))}, header = true, auto_detect = false, delim = {literal(delimiter)},
            quote = {literal(export.source.quote)}, escape = {literal(export.source.quote)}, columns = {{{columns}}}, skip = {skip},
            store_rejects = true, max_line_size = 8388608, buffer_size = 33554432)
    """
    execute(con, sql, on_share=on_share)
    found = con.execute(
        "select line, min_by(error_message, byte_position), min_by(csv_line, byte_position) from reject_errors group by line order by line"
    ).fetchall()
    con.execute("drop table if exists reject_errors; drop table if exists reject_scans")
    _shift(con, export, number, [line for line, _, _ in found], before)
    return [
        Broken(line + before, message.splitlines()[0].rstrip(".") + ".", (row or "").encode())
        for line, message, row in found
    ]


def _shift(
    con: duckdb.DuckDBPyConnection, export: Export, number: int, broken: list[int], before: int
) -> None:
    """Good rows were numbered without the broken lines: move those behind each."""
    if not broken:
        return
    # The k-th broken line stands behind `line - k` others that are good, the header among them.
    con.execute(
        """
        create or replace temp table gap as
        select line - number as good_before, max(number) as gone
        from (select line, row_number() over (order by line) as number
              from (select unnest($lines::bigint[]) as line))
        group by line - number
        """,
        {"lines": broken},
    )
    con.execute(
        f"""
        update stage_{export.source.name} as s set line = s.line + found.gone
        from (
            select r.line, g.gone
            from stage_{export.source.name} r asof join gap g on r.line - {before} > g.good_before
            where r.file_no = {number}
        ) as found
        where s.file_no = {number} and s.line = found.line
        """
    )


def _stage_parquet(
    con: duckdb.DuckDBPyConnection,
    export: Export,
    number: int,
    wanted: dict[str, str],
    mapping: Mapping,
    on_share: OnShare,
) -> list[Broken]:
    origin = f"read_parquet({literal(str(export.path))}, file_row_number = true)"
    names = [row[0] for row in con.execute(f"describe select * from {origin}").fetchall()]
    _check_columns(names, wanted, export, mapping)
    picked = ", ".join(_cleaned(f"{identifier(column)}::varchar", export) for column in wanted)
    execute(
        con,
        f"insert into stage_{export.source.name} select {number}, file_row_number + 1, {picked} from {origin}",
        on_share=on_share,
    )
    return []


def _check_columns(names: list[str], wanted: dict[str, str], export: Export, mapping: Mapping) -> None:
    for column, node in mapping.columns_of(export.source.name).items():
        if column in wanted and column not in names:
            has = ", ".join(names)
            node.wrong(f"needs the column '{column}', which {export.path.name} does not have; it has {has}")
    for name in wanted:
        if names.count(name) > 1:
            raise Refused(f"{export.path} has the column '{name}' twice; rename one of them.")


def _cleaned(expression: str, export: Export) -> str:
    trimmed = f"trim({expression}, {literal(_BLANKS)})"
    markers = ", ".join(literal(marker) for marker in dict.fromkeys(("", *export.source.missing)))
    return f"case when {trimmed} in ({markers}) then null else {trimmed} end"


def _open_text(path: Path, encoding: str) -> IO[str]:
    if path.suffix == ".gz":
        return gzip.open(path, "rt", encoding=encoding, newline="")
    if path.suffix == ".zst":
        stream = zstandard.ZstdDecompressor().stream_reader(path.open("rb"), closefd=True)
        return io.TextIOWrapper(stream, encoding=encoding, newline="")
    return path.open(encoding=encoding, newline="")


def _as_utf8(export: Export, target: Path) -> Path:
    """The file in UTF-8. Bytes that the encoding does not have become U+FFFD."""
    with (
        codecs.open(str(target), "w", "utf-8") as out,
        _open_text(export.path, export.source.encoding) as file,
    ):
        while piece := file.read(1 << 20):
            out.write(piece)
    return target


def _from_excel(export: Export, target: Path) -> Path:
    book = openpyxl.load_workbook(export.path, read_only=True, data_only=True)
    try:
        sheet_name = export.source.sheet or book.sheetnames[0]
        if sheet_name not in book.sheetnames:
            export.source.node.wrong(
                f"names the sheet '{sheet_name}'; {export.path.name} has {', '.join(book.sheetnames)}"
            )
        with target.open("w", encoding="utf-8", newline="") as out:
            writer = csv.writer(out, quoting=csv.QUOTE_ALL)
            width = 0
            for row in book[sheet_name].iter_rows(min_row=export.source.skip + 1):
                values = [_cell(cell) for cell in row]
                while not width and values and values[-1] == "":
                    values.pop()
                width = width or len(values)
                writer.writerow((values + [""] * width)[:width])
    finally:
        book.close()
    return target


def _cell(cell: Any) -> str:
    match cell.value:
        case None:
            return ""
        case datetime() as moment:
            has_time = moment.time() != time(0) or "h" in str(cell.number_format).lower()
            return moment.strftime("%Y-%m-%d %H:%M:%S") if has_time else moment.strftime("%Y-%m-%d")
        case date() as day:
            return day.isoformat()
        case float() as number:
            return repr(round(number, 6)).removesuffix(".0")
        case value:
            return str(value)


def identifier(name: str) -> str:
    """A name as SQL writes it."""
    return '"' + name.replace('"', '""') + '"'


def literal(value: str) -> str:
    """A text as SQL writes it."""
    return "'" + value.replace("'", "''") + "'"
