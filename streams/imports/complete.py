"""What follows from imported rows: one row a key, derived columns, and what the source supplies."""

from __future__ import annotations

from collections.abc import Mapping as MappingOf
from collections.abc import Sequence
from pathlib import Path

import duckdb

from rules.schema import ledger_columns, ledger_names
from streams.imports.mapping import Entry, Mapping

_SQL = Path(__file__).parent / "complete.sql"

#: Ledger key of a table: of rows with the same key the one of the latest (inf_time, msgid) holds.
_KEYS: MappingOf[str, str] = {
    "diagnosis": "mdtrt_id, setl_id, role, diag_type, diag_srt_no, diag_code",
    "operation": "setl_id, mdtrt_id, row_no",
    "fee_line": "mdtrt_id, feedetl_sn",
    "settlement": "setl_id",
    "fund_item": "setl_id, row_no",
    "settlement_list": "setl_id",
    "medical_order": "medcas_drord_detl_id",
    "insured": "psn_no, insutype, begndate",
    "institution": "fixmedins_code, begndate",
    "practitioner": "dr_codg, begndate",
    "death": "psn_no, source",
    "family": "psn_no, member_psn_no, begndate",
    "catalogue": "med_list_codg, valid_from",
    "chronic_registration": "psn_no, opsp_dise_code, begndate",
    "manual_reimbursement": "reim_id",
}

#: Derived column (or table) → what it is derived from: any of these sets of names will do.
_DERIVED: MappingOf[str, tuple[tuple[str, ...], ...]] = {
    "visit.inpatient": (("visit.kind",),),
    "visit.bed_until": (("visit.begntime",), ("visit.dscg_time",)),
    "visit.seen_until": (("visit.begntime",), ("visit.dscg_time",)),
    "visit.heard": (("visit.begntime",), ("visit.dscg_time",)),
    "visit.settled": (("settlement.mdtrt_id",),),
    "visit.mid_settled": (("settlement.mid_setl_flag",),),
    "visit.adm_diag_code": (("diagnosis.maindiag_flag",),),
    "visit.dscg_diag_code": (("diagnosis.maindiag_flag",),),
    "visit.emergency": (("visit.med_type",), ("visit.ipt_type",), ("visit.adm_way",)),
    "visit.transfer_in": (("visit.ipt_type",), ("visit.adm_way",)),
    "visit.list_uploaded": (("settlement_list.mdtrt_id",),),
    "visit.newborn": (
        ("settlement_list.nwb_adm_type",),
        ("settlement_list.age_days",),
        ("settlement_list.nwb_adm_wt",),
    ),
    "fee_line.setl_id": (("settlement.setl_id", "fee_line.mdtrt_id"),),
    "presence": (("visit.begntime",),),
    "bed_stay": (("visit.bed", "visit.begntime"),),
}

#: Tables that are derived whole, with the visit columns that their columns stand for.
_FROM_VISIT: MappingOf[str, MappingOf[str, str]] = {
    "presence": {
        "psn_no": "psn_no", "fixmedins_code": "fixmedins_code", "mdtrt_id": "mdtrt_id", "kind": "kind",
        "seen_at": "begntime", "seen_at_is_date": "begntime", "msgid": "mdtrt_id",
    },
    "bed_stay": {
        "mdtrt_id": "mdtrt_id", "psn_no": "psn_no", "fixmedins_code": "fixmedins_code", "dept_code": "dept_code",
        "bed": "bed", "from_time": "begntime", "until_time": "begntime", "open": "dscg_time", "msgids": "mdtrt_id",
    },
}  # fmt: skip


def complete(con: duckdb.DuckDBPyConnection) -> None:
    """Bring imported ledger tables to one row a key and fill the derived columns."""
    _overlay_visits(con)
    for table, key in _KEYS.items():
        _supersede(con, table, key)
    for table, columns in ledger_columns().items():
        for column in ("psn_no", "fixmedins_code"):
            if table != "visit" and {"mdtrt_id", column} <= set(columns):
                con.execute(
                    f"update {table} set {column} = v.{column} from visit v "
                    f"where {table}.mdtrt_id = v.mdtrt_id and {table}.{column} is null"
                )
    con.execute(_SQL.read_text(encoding="utf-8"))


def provided(entries: Sequence[Entry], mapping: Mapping) -> set[str]:
    """The ledger tables and `table.column`s that these entries supply, with what is derived from them."""
    columns = ledger_columns()
    names = {"message", "message.msgid", "message.kind", "message.inf_time", "message.fixmedins_code"}
    for entry in entries:
        names.add(entry.table)
        names |= {f"{entry.table}.{column}" for column in entry.columns}
        if mapping.sources[entry.source].inf_time:
            names |= {f"{entry.table}.{column}" for column in ("inf_time", "upload_time")}
    if "visit" in names:
        for table, its in columns.items():
            if f"{table}.mdtrt_id" in names:
                names |= {f"{table}.{column}" for column in ("psn_no", "fixmedins_code") if column in its}
    for derived, ways in _DERIVED.items():
        if any(names.issuperset(way) for way in ways) and derived.partition(".")[0] in (
            names | set(_FROM_VISIT)
        ):
            names.add(derived)
    for table, origin in _FROM_VISIT.items():
        if table in names and not any(entry.table == table for entry in entries):
            names |= {f"{table}.{column}" for column, visit in origin.items() if f"visit.{visit}" in names}
    for table in {name for name in names if name in columns}:
        for column in columns[table]:
            timed = column.removesuffix("_is_date")
            if (
                column in ("msgid", "adm_msgid")
                or (column == "dscg_msgid" and "visit.dscg_time" in names)
                or column == "msgids"
                or (timed != column and f"{table}.{timed}" in names)
            ):
                names.add(f"{table}.{column}")
    return names & ledger_names()


def _overlay_visits(con: duckdb.DuckDBPyConnection) -> None:
    """Several rows of one visit overlay each other field by field in the order of (inf_time, msgid)."""
    con.execute("create temp table many as select mdtrt_id from visit group by mdtrt_id having count(*) > 1")
    if not con.execute("select 1 from many limit 1").fetchone():
        return
    kinds = ledger_columns()["visit"]
    parts = []
    for column, kind in kinds.items():
        if column == "mdtrt_id":
            parts.append("mdtrt_id")
        elif column == "msgids":
            parts.append("list_sort(list_distinct(flatten(list(msgids)))) as msgids")
        elif column.endswith("_is_date"):
            parts.append(
                f"arg_max({column}, n) filter ({column.removesuffix('_is_date')} is not null) as {column}"
            )
        elif kind == "BOOLEAN" and column not in ("inpatient", "emergency"):
            parts.append(f"bool_or({column}) as {column}")
        else:
            parts.append(f"arg_max({column}, n) filter ({column} is not null) as {column}")
    con.execute(
        f"""
        create temp table overlaid as
        with numbered as (
            select v.*, row_number() over (order by m.inf_time nulls first, v.adm_msgid, v.kind) as n
            from visit v semi join many using (mdtrt_id) left join message m on m.msgid = v.adm_msgid
        )
        select {", ".join(parts)} from numbered group by mdtrt_id
        """
    )
    con.execute(
        "update overlaid set begntime_is_date = coalesce(begntime_is_date, false), dscg_time_is_date = coalesce(dscg_time_is_date, false)"
    )
    con.execute("delete from visit where mdtrt_id in (select mdtrt_id from many)")
    con.execute("insert into visit by name select * from overlaid")


def _supersede(con: duckdb.DuckDBPyConnection, table: str, key: str) -> None:
    con.execute(
        f"""
        delete from {table} using (
            with repeated as (select {key} from {table} group by all having count(*) > 1)
            select t.rowid as place
            from {table} t join repeated r on {" and ".join(f"t.{k} is not distinct from r.{k}" for k in key.split(", "))}
            left join message m on m.msgid = t.msgid
            qualify row_number() over (partition by {", ".join(f"t.{k}" for k in key.split(", "))}
                order by m.inf_time desc nulls last, t.msgid desc, t.rowid) > 1
        ) as old
        where {table}.rowid = old.place
        """
    )
