-- What is said of an alert, once and for ever.
create table revision (
    jr_id text not null,
    seq bigint not null,
    kind text not null,
    revision text not null,
    reason text,
    reason_msgid text,
    speaker text not null,
    rulebook text not null,
    content text not null,
    primary key (jr_id, seq)
);

-- What holds now, or held last: the revision with the highest seq, and what one looks for.
create table alert (
    jr_id text not null primary key,
    seq bigint not null,
    opened_seq bigint not null,
    status text not null,
    reason text,
    reason_msgid text,
    speaker text not null,
    revision text not null,
    mode text not null,
    rule_code text not null,
    rule_id text not null,
    family text not null,
    rule_name text not null,
    sev_deg text not null,
    subject_type text not null,
    subject text not null,
    patn_id text,
    fixmedins_code text,
    vola_amt numeric(16, 2) not null,
    vola_cont text not null,
    route text not null,
    stage text not null,
    occurred_at timestamp not null,
    detected_at timestamp not null
);
create index alert_by_severity on alert (status, sev_deg, vola_amt desc, jr_id);
create index alert_by_money on alert (status, vola_amt desc, jr_id);
create index alert_by_time on alert (status, occurred_at desc, jr_id);
create index alert_by_detection on alert (status, detected_at desc, jr_id);
create index alert_by_rule on alert (rule_code, status);
create index alert_by_institution on alert (fixmedins_code, status);
create index alert_by_person on alert (patn_id) where patn_id is not null;

-- Facts by the hash of their content, and the revisions that rest on them.
create table fact (
    fact_id bytea not null primary key,
    msgid text not null,
    table_name text not null,
    row_no integer,
    inf_time text not null,
    data text not null
);
create table evidence (
    jr_id text not null,
    seq bigint not null,
    fact_id bytea not null,
    primary key (jr_id, seq, fact_id)
);

-- How far each partition of a topic was read: the offset of the next record.
create table source_position (
    topic text not null,
    partition integer not null,
    next_offset bigint not null,
    primary key (topic, partition)
);

-- Runs that were loaded (run.json), and the cancellations that they knew.
create table loaded_run (number integer not null primary key, run text not null);
create table known_cancellation (msgid text not null primary key);

-- Who was shown in clear, to whom, and why.
create table unmasked (at text not null, by_whom text not null, what text not null, reason text not null);
