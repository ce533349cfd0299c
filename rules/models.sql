-- What the anomaly models say: the tables `model.…` a rule may speak of beside the ledger.
--
-- Filled by the kernel from the scores of a model set (detectors/anomaly), empty without one. A row says how far a
-- subject lies from what is expected of it: `score` is 0 to 1, higher = look here first, and monotone in the evidence;
-- NULL where `not_enough` says why. It never depends on who else is scored. Numbers are binary floats, rounded by the
-- model: they order and explain, they are not money.
-- Columns have defaults, so that a test case states only what matters to it.

create schema model;

-- Stays. Key: mdtrt_id, model.
create table model.stay (
    mdtrt_id varchar,                     -- key
    period varchar,                       -- day of discharge
    model varchar default 'expectation',
    model_hash varchar default '0000000000000000', -- of the model that said it
    score double,
    cases bigint default 1,
    observed double, expected double,     -- cost where it is known, else days: CNY, days
    low double, high double,              -- range of comparable stays
    reason varchar, reason_en varchar,    -- one sentence
    explanation varchar,                  -- a small table as text
    not_enough varchar,                   -- why there is no score
    drivers struct(indicator varchar, observed double, expected double, low double, high double, cases bigint, z double)[] default [],
                                          -- most telling first
    shown varchar[] default []            -- up to ten stays that show it best
);

-- Institutions by month. Key: fixmedins_code, month, model.
create table model.institution_month (
    fixmedins_code varchar,               -- key
    month date,                           -- its first day; null: a quarter, or the whole of the data
    period varchar,                       -- `2026-03`, `2026-Q1`, `all`
    model varchar default 'peers',
    model_hash varchar default '0000000000000000',
    score double, cases bigint default 1, observed double, expected double, low double, high double,
    reason varchar, reason_en varchar, explanation varchar, not_enough varchar,
    drivers struct(indicator varchar, observed double, expected double, low double, high double, cases bigint, z double)[] default [],
    shown varchar[] default []
);

-- Practitioners by month. Key: dr_code, month, model.
create table model.practitioner_month (
    dr_code varchar,                      -- key
    fixmedins_code varchar,               -- null: they may practise anywhere
    month date,                           -- its first day; null: a quarter, or the whole of the data
    period varchar,                       -- `2026-03`, `2026-Q1`, `all`
    model varchar default 'peers',
    model_hash varchar default '0000000000000000',
    score double, cases bigint default 1, observed double, expected double, low double, high double,
    reason varchar, reason_en varchar, explanation varchar, not_enough varchar,
    drivers struct(indicator varchar, observed double, expected double, low double, high double, cases bigint, z double)[] default [],
    shown varchar[] default []
);

-- Rings: people who are admitted, buy or settle together. Key: ring, period, model.
create table model.ring (
    ring varchar,                         -- key: the institution and a hash of the members
    fixmedins_code varchar,               -- where they meet
    period varchar,
    model varchar default 'rings',
    model_hash varchar default '0000000000000000',
    score double, cases bigint default 1, observed double, expected double, low double, high double,
    reason varchar, reason_en varchar, explanation varchar, not_enough varchar,
    drivers struct(indicator varchar, observed double, expected double, low double, high double, cases bigint, z double)[] default [],
    shown varchar[] default []
);
