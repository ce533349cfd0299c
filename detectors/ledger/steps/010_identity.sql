-- Which copy of a msgid is the fact: the smallest (inf_time, content), whichever came first. Messages said once are
-- the rule, so repeated msgids are found by hash before anything is sorted.
-- unless unique
insert into main.fact_dropped
with repeated as (
    select key from (select hash(msgid) as key from fact.message) group by key having count(*) > 1
),
copies as (
    select
        seq, msgid, content, inf_time,
        row_number() over w as copy,
        first_value(content) over w as held_content,
        first_value(inf_time) over w as held_time
    from fact.message
    where hash(msgid) in (select key from repeated)
    window w as (partition by msgid order by inf_time, content, seq)
)
select seq, msgid, if(content = held_content and inf_time = held_time, 'duplicate', 'conflict')
from copies
where copy > 1;
