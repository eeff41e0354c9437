// A row that the target refuses when it comes, and that nothing can see before: a check of the
// target alone, by a function that the source does not have.
export const noPoison = `
  create function is_healthy(text) returns boolean language sql immutable
    as $$ select $1 <> 'poison' $$;
  alter table notes add constraint "no poison" check (is_healthy(body));`
