-- Fills the target with tenants of its own: theirs must be there, untouched, when others move in.
--
-- They are few and small, and their names and ids do not occur at the source. Everything follows from
-- the row's number, so each run makes the same rows.

create temporary table residents on commit drop as
select rank, tenant_id, md5('resident ' || rank)::uuid as user_id
from unnest(array['harbour-lights', 'quince & daughters', 'zweite-heimat']) with ordinality
  r (tenant_id, rank);

insert into tenants (id, name, plan, seats, region)
select tenant_id, initcap(tenant_id), 'business', 12, 'us' from residents order by rank;

insert into users (id, tenant_id, email, display_name, admin)
select user_id, tenant_id, 'owner@resident' || rank || '.example', 'Owner', true
from residents order by rank;

with made as (
  insert into projects (tenant_id, owner_id, code, title, budget_cents, starts_on)
  select tenant_id, user_id, 'HOME', 'Where we always were', 100000, '2024-01-01'
  from residents order by rank
  returning tenant_id, id
)
insert into tasks (tenant_id, project_id, assignee_id, title, state, resolution, estimate_minutes)
select tenant_id, id, user_id, 'Task ' || i, case when i % 2 = 0 then 'closed' else 'open' end,
  case when i % 2 = 0 then 'done' end, i * 15
from made join residents using (tenant_id), generate_series(1, 60) i order by i, rank;

insert into checklist_items (task_id, position, label)
select id, 1, 'Think' from tasks order by id;

insert into comments (tenant_id, task_id, author_id, body)
select tenant_id, id, assignee_id, 'We live here.' from tasks order by id;

insert into activity (on_day, tenant_id, actor_id, verb, subject)
select date '2024-03-01' + (id % 600)::int, tenant_id, assignee_id, 'opened', '{}'
from tasks order by id;
