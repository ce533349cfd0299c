-- What was said stays said: rows are added, never changed and never taken out.
create trigger revision_is_not_changed before update on revision begin select raise(abort, 'revisions are only ever added'); end;
create trigger revision_is_not_deleted before delete on revision begin select raise(abort, 'revisions are only ever added'); end;
create trigger fact_is_not_changed before update on fact begin select raise(abort, 'facts are only ever added'); end;
create trigger fact_is_not_deleted before delete on fact begin select raise(abort, 'facts are only ever added'); end;
create trigger evidence_is_not_changed before update on evidence begin select raise(abort, 'evidence is only ever added'); end;
create trigger evidence_is_not_deleted before delete on evidence begin select raise(abort, 'evidence is only ever added'); end;
create trigger unmasked_is_not_changed before update on unmasked begin select raise(abort, 'notes of unmasking are only ever added'); end;
create trigger unmasked_is_not_deleted before delete on unmasked begin select raise(abort, 'notes of unmasking are only ever added'); end;
