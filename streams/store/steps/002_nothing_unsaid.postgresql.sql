-- What was said stays said: rows are added, never changed and never taken out.
create function only_ever_added() returns trigger language plpgsql as
'begin raise exception ''rows of % are only ever added'', tg_table_name; end';
create trigger revision_stays before update or delete or truncate on revision execute function only_ever_added();
create trigger fact_stays before update or delete or truncate on fact execute function only_ever_added();
create trigger evidence_stays before update or delete or truncate on evidence execute function only_ever_added();
create trigger unmasked_stays before update or delete or truncate on unmasked execute function only_ever_added();
