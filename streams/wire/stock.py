"""3501A to 3506A: stock taken, changed, bought, sold and returned, with the trace codes scanned."""

from __future__ import annotations

from streams.wire.shape import Kind, Table, many, record, transaction

_ITEM = "med_list_codg fixmedins_hilist_id fixmedins_bchno rx_flag"
_TRACE = record("StockTrace", "drug_trac_codg")
_COUNTED = record("StockCounted", f"{_ITEM} invdate inv_cnt manu_lotnum pric")
_CHANGED = record(
    "StockChanged",
    f"{_ITEM} inv_chg_type pric cnt inv_chg_time trdn_flag trac_codg_pac_hery",
    drugtracinfo=many(_TRACE),
)
_BOUGHT = record(
    "StockBought",
    f"{_ITEM} manu_lotnum finl_trns_pric purc_retn_cnt purc_invo_codg purc_invo_no purc_retn_stoin_time "
    "prod_geay_flag",
)
_SOLD = record(
    "StockSold",
    f"{_ITEM} hi_feesetl_type setl_id mdtrt_sn psn_no manu_lotnum trdn_flag finl_trns_pric rxno rtal_docno "
    "sel_retn_cnt sel_retn_time prsc_dr_no phar_no",
    drugtracinfo=many(_TRACE),
)
_SALE = {"moved_at": "sel_retn_time", "cnt": "sel_retn_cnt", "pric": "finl_trns_pric"}


def _sale(infno: str, move: str) -> Kind:
    return Kind(
        infno,
        transaction(infno, {"selinfoDetail": many(_SOLD)}),
        (),
        (
            Table("stock_move", rows="input.selinfoDetail", constants={"move": move}, renamed=_SALE),
            Table(
                "trace_scan",
                rows="input.selinfoDetail[].drugtracinfo",
                constants={"move": move},
                renamed={"scanned_at": "sel_retn_time", "cnt": "sel_retn_cnt", "mdtrt_id": "mdtrt_sn"},
                only_with="drug_trac_codg",
            ),
        ),
    )


KINDS = (
    Kind(
        "3501A",
        transaction("3501A", {"invinfoDetail": many(_COUNTED)}),
        (),
        (
            Table(
                "stock_move",
                rows="input.invinfoDetail",
                constants={"move": "opening"},
                renamed={"moved_at": "invdate", "cnt": "inv_cnt"},
            ),
        ),
    ),
    Kind(
        "3502A",
        transaction("3502A", {"invinfoDetail": many(_CHANGED)}),
        (),
        (
            Table(
                "stock_move",
                rows="input.invinfoDetail",
                constants={"move": "change"},
                renamed={"moved_at": "inv_chg_time"},
            ),
            Table(
                "trace_scan",
                rows="input.invinfoDetail[].drugtracinfo",
                constants={"move": "change"},
                renamed={"scanned_at": "inv_chg_time"},
                only_with="drug_trac_codg",
            ),
        ),
    ),
    Kind(
        "3503A",
        transaction("3503A", {"purcinfoDetail": many(_BOUGHT)}),
        (),
        (
            Table(
                "stock_move",
                rows="input.purcinfoDetail",
                constants={"move": "purchase"},
                renamed={
                    "moved_at": "purc_retn_stoin_time",
                    "cnt": "purc_retn_cnt",
                    "pric": "finl_trns_pric",
                },
            ),
        ),
    ),
    _sale("3505A", "sale"),
    _sale("3506A", "sale_return"),
)
