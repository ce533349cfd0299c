-- What every rule may call, beside SQL itself.

-- Items of an alert. A line, a part of one (0 to 1), a settlement, a whole visit, a claim paid by hand;
-- `involved_…`: named by the alert, but not what is wrong, and never counted as money.
create macro line_item(mdtrt, sn) as
    {'mdtrt_id': mdtrt, 'setl_id': null::varchar, 'feedetl_sn': sn, 'reim_id': null::varchar, 'part': 1::decimal(9, 6), 'violating': true};
create macro line_part(mdtrt, sn, part) as
    {'mdtrt_id': mdtrt, 'setl_id': null::varchar, 'feedetl_sn': sn, 'reim_id': null::varchar, 'part': part::decimal(9, 6), 'violating': true};
create macro involved_line(mdtrt, sn) as
    {'mdtrt_id': mdtrt, 'setl_id': null::varchar, 'feedetl_sn': sn, 'reim_id': null::varchar, 'part': 1::decimal(9, 6), 'violating': false};
create macro settlement_item(mdtrt, setl) as
    {'mdtrt_id': mdtrt, 'setl_id': setl, 'feedetl_sn': null::varchar, 'reim_id': null::varchar, 'part': 1::decimal(9, 6), 'violating': true};
create macro settlement_part(mdtrt, setl, part) as
    {'mdtrt_id': mdtrt, 'setl_id': setl, 'feedetl_sn': null::varchar, 'reim_id': null::varchar, 'part': part::decimal(9, 6), 'violating': true};
create macro involved_settlement(mdtrt, setl) as
    {'mdtrt_id': mdtrt, 'setl_id': setl, 'feedetl_sn': null::varchar, 'reim_id': null::varchar, 'part': 1::decimal(9, 6), 'violating': false};
create macro visit_item(mdtrt) as
    {'mdtrt_id': mdtrt, 'setl_id': null::varchar, 'feedetl_sn': null::varchar, 'reim_id': null::varchar, 'part': 1::decimal(9, 6), 'violating': true};
create macro involved_visit(mdtrt) as
    {'mdtrt_id': mdtrt, 'setl_id': null::varchar, 'feedetl_sn': null::varchar, 'reim_id': null::varchar, 'part': 1::decimal(9, 6), 'violating': false};
create macro manual_item(reim) as
    {'mdtrt_id': null::varchar, 'setl_id': null::varchar, 'feedetl_sn': null::varchar, 'reim_id': reim, 'part': 1::decimal(9, 6), 'violating': true};
create macro involved_manual(reim) as
    {'mdtrt_id': null::varchar, 'setl_id': null::varchar, 'feedetl_sn': null::varchar, 'reim_id': reim, 'part': 1::decimal(9, 6), 'violating': false};

-- A sale outside insurance, by the institution's own number: the platform has no line of it, and it is never money.
create macro involved_sale(number) as
    {'mdtrt_id': null::varchar, 'setl_id': null::varchar, 'feedetl_sn': number, 'reim_id': null::varchar, 'part': 1::decimal(9, 6), 'violating': false};

-- A time lies within the lookback of the anchor's time, in both directions.
create macro near(anchor, t, lookback) as t between anchor - lookback and anchor + lookback;

-- A discharge as a rule sees it that looks from the admission: beyond the lookback there is none yet.
create macro discharge_seen(begntime, dscg_time, lookback) as if(near(begntime, dscg_time, lookback), dscg_time, null);

-- The main diagnosis of a stay as such a rule sees it: that of the discharge, else of the admission.
create macro diagnosis_seen(begntime, dscg_time, dscg_diag_code, adm_diag_code, lookback) as
    coalesce(if(coalesce(near(begntime, dscg_time, lookback), true), dscg_diag_code, null), adm_diag_code);

-- Until when a stay is known to have lasted, as seen from the admission: the discharge, else the latest business time
-- in its own messages (`heard`), each only within the lookback (which must be 90 days or more).
create macro stay_seen_until(begntime, dscg_time, heard, lookback) as coalesce(
    discharge_seen(begntime, dscg_time, lookback),
    greatest(begntime, list_max(list_filter(heard, lambda t: near(begntime, t, lookback)))));

-- A time in a text, the day alone where the source gave no time of day.
create macro day_or_minute(t, is_date) as if(is_date, strftime(t, '%Y-%m-%d'), strftime(t, '%Y-%m-%d %H:%M'));

-- Midnights between two times: 算入不算出, the day of discharge is not counted.
create macro nights(a, b) as date_diff('day', a::date, b::date);

-- A bed's number whatever its spelling: 861床, 861号床, ０８６１ and 861 are one. Null where nothing is left.
create macro bed_key(bed) as nullif(regexp_replace(regexp_replace(
    translate(upper(bed), '０１２３４５６７８９ＡＢＣＤＥＦＧＨ＋－', '0123456789ABCDEFGH+-'),
    '[床位号#＃\s]', '', 'g'), '(^|[^0-9])0+([0-9])', '\1\2', 'g'), '');

-- Two such numbers name one bed: equal, or one has the ward or room before it (3区12, A-12 and 12).
create macro same_bed(a, b) as a = b
    or regexp_matches(a, '[A-Z区室房层楼科/_.-]' || regexp_escape(b) || '$')
    or regexp_matches(b, '[A-Z区室房层楼科/_.-]' || regexp_escape(a) || '$');

-- ICD-10 category: the first three characters, upper case.
create macro icd3(code) as upper(left(code, 3));

-- The nursing home or school at which somebody is registered, by employer or else by address. Null: none.
create macro dwelling(emp_name, addr) as case
    when regexp_matches(emp_name, '养老|敬老|福利院|护理院|光荣院|学校|小学|中学|幼儿园') then emp_name
    when regexp_matches(addr, '养老院|敬老院|福利院|护理院|光荣院|学校|小学|中学|幼儿园') then addr
end;

-- Ordered pairs of cases of different units that are alike in something, and all that could be. From sums of cases `n`, one row
-- a kind of likeness (`of_which`; `own`: the sum of squares by unit within it) and one row a unit.
create macro alike_pairs(n, own, of_which) as (sum(n * n - own) filter (where of_which))::bigint;
create macro all_pairs(n, of_which) as
    (sum(n) filter (where not of_which) ** 2 - sum(n * n) filter (where not of_which))::bigint;
