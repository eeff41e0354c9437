-- Fills the source: who has how much stands in the temporary table `sizes`, made by seed.ts.
--
-- It draws no random numbers: every value follows from the row's number, so each run makes the same
-- rows. Ids of all tenants are mingled (tenant number `rank` has every 64th), as they are in life.
-- Invariant: every kind of value that is easily damaged on its way occurs, in every larger tenant.

create function pg_temp.id(i integer, rank integer) returns bigint
  language sql stable as $$ select (i - 1) * 64 + rank $$;

create function pg_temp.user_id(i integer, rank integer) returns uuid
  language sql stable as $$ select md5('user ' || rank || ' ' || i)::uuid $$;

create function pg_temp.prose(i integer) returns text
  language sql stable as $$
  select (array['Fix', 'Plan', 'Review', 'Ship', 'Rewrite', 'Measure', 'Delete'])[1 + i % 7]
    || ' ' || (array['the invoice form', 'search', 'night shifts', 'the price list', 'onboarding',
      'the audit', 'label printing', 'stock counts', 'the map', 'exports', 'reminders'])[1 + i % 11]
    || ' ' || i $$;

-- What has broken other people's copies.
create function pg_temp.hostile(i integer) returns text
  language sql stable as $$
  select (array[
    'it''s "quoted" and `ticked`', E'back\\slash, \\n that is none, \\', E'tab\there\tand\tthere',
    E'line\nfeed', E'carriage\r\nreturn\r', E'\\N', 'NULL', 'null', '', ' ', '  blanks around  ',
    '100 % of %s and %1$s, $1, :name, ?', E'\\.', E'\\.\n',
    '👩🏽‍🚀 🏳️‍🌈 🇺🇳', E'שלום, مرحبا! \u202ebackwards',
    E'e\u0301 is not é, n\u0303 is not ñ', E'zero\u200bwidth, bom \ufeff, no-break\u00a0blank',
    E'\u0001 \u001f \u007f \u0085 \u2028 \uffff \U0010fffd',
    '{"a":[1,2]}', '{a,"b,c",NULL}', '(1,")")', '''; drop table tasks; --',
    '<script>alert(1)</script>', '日本語と中文和한국어', 'a,b;c|d' || chr(9),
    repeat('long, ', 3000), E'\b\f\v'])[1 + i % 28] $$;

create function pg_temp.text(i integer, rank integer) returns text
  language sql stable as $$
  select case when (i + rank) % 5 = 0 then pg_temp.hostile((i + rank) / 5)
    else pg_temp.prose(i) end $$;

create function pg_temp.moment(i integer, rank integer) returns timestamptz
  language sql stable as $$
  select timestamptz '2024-01-02 03:04:05.678901+00'
    + i * interval '25 minutes 7.654321 seconds' + rank * interval '1 microsecond' $$;

-- Foreign keys are checked once for all rows, further below: that takes half the time.
create temporary table foreign_keys on commit drop as
select conrelid::regclass as place, quote_ident(conname) as name, pg_get_constraintdef(oid) as rule
from pg_constraint
where connamespace = 'public'::regnamespace and contype = 'f' and conparentid = 0;

do $$
declare
  key foreign_keys;
begin
  for key in select * from foreign_keys loop
    execute format('alter table %s drop constraint %s', key.place, key.name);
  end loop;
end $$;

insert into tenants (id, name, plan, seats, settings, created_at)
select tenant_id, initcap(tenant_id), ('{free,team,business}'::plan[])[1 + rank % 3], users,
  jsonb_build_object('theme', 'dark', 'limit', 12345678901234567890.000000000000000001,
    'motto', pg_temp.hostile(rank), 'flags', array[true, null, false]),
  pg_temp.moment(-rank, rank)
from sizes order by rank;

insert into users (id, tenant_id, email, display_name, admin, last_ip, quiet_hours, remind_before,
  last_seen_at)
select pg_temp.user_id(i, rank), tenant_id, 'user' || i || '@' || rank || '.example',
  pg_temp.text(i, rank), i = 1, ('2001:db8::' || to_hex(i % 65536))::inet,
  case when i % 3 = 0 then int4range(22, 24) when i % 3 = 1 then 'empty' end,
  case when i % 2 = 0 then i * interval '1 month -3 days 00:00:01.000001' end,
  case when i % 4 > 0 then pg_temp.moment(i * 9, rank) when i % 8 = 0 then '-infinity' end
from (select * from sizes, generate_series(1, users) i order by i, rank) n;

insert into projects (id, tenant_id, owner_id, code, name, budget, legacy_color, starts_on,
  created_at)
select pg_temp.id(i, rank), tenant_id,
  case when i % 4 > 0 then pg_temp.user_id(1 + i % users, rank) end,
  'P-' || i, pg_temp.text(i, rank),
  case when i % 3 > 0 then (i * 1999.99)::numeric(12,2) when i % 6 = 0 then -0.10 end, '#c0ffee',
  date '2023-12-31' + i * 3, pg_temp.moment(i * 5, rank)
from (select * from sizes, generate_series(1, projects) i order by i, rank) n;

insert into tasks (id, tenant_id, project_id, parent_id, assignee_id, title, body, status, priority,
  details, custom, estimate_hours, due_on, tags, reminder_days, flagged, created_at, updated_at)
overriding system value
select pg_temp.id(i, rank), tenant_id, pg_temp.id(1 + i % projects, rank),
  case when i % 6 = 5 then pg_temp.id(i / 2, rank) end,
  case when i % 3 > 0 then pg_temp.user_id(1 + i % users, rank) end,
  pg_temp.text(i, rank), case when i % 2 = 0 then pg_temp.text(i * 31, rank) end,
  ('{todo,doing,review,done,dropped}'::task_status[])[1 + i % 5], 1 + i % 5,
  case i % 4 when 0 then '{}'
    when 1 then jsonb_build_object('via', 'mail', 'from', pg_temp.text(i, rank))
    else jsonb_build_object('labels', array['sprint ' || i % 9, pg_temp.hostile(i)]) end,
  case i % 7 when 0 then '[]' when 1 then 'null' when 2 then '{"😀": {"n": 123456789012345678.9e20}}'
    when 3 then jsonb_build_object('points', i, 'ratio', 0.10, 'note', pg_temp.hostile(i)) end,
  case when i % 3 > 0 then (i % 400 / 4.0)::numeric(8,2) end,
  case when i % 50 = 0 then 'infinity' when i % 50 = 1 then '0044-03-15 BC'
    when i % 4 > 0 then date '2024-02-29' + i % 900 end,
  case i % 4 when 0 then array['red', 'a,b', 'say "hi"', E'back\\slash']
    when 1 then array['', 'NULL'] when 2 then array[pg_temp.hostile(i)] else '{}' end,
  case i % 5 when 0 then array[1, null, -7] when 1 then '{}' when 2 then '{{1,2},{3,4}}'::int[] end,
  i % 10 = 0, pg_temp.moment(i, rank), pg_temp.moment(i + i % 77, rank)
from (select * from sizes, generate_series(1, tasks) i order by i, rank) n;

insert into checklist_items (id, task_id, position, label, checked)
select pg_temp.id(i, rank), pg_temp.id(1 + i * 7 % tasks, rank), i % 9, pg_temp.text(i, rank),
  i % 2 = 0
from (select * from sizes, generate_series(1, items) i order by i, rank) n;

insert into comments (id, tenant_id, task_id, author_id, body, created_at)
select pg_temp.id(i, rank), tenant_id, pg_temp.id(1 + i * 3 % tasks, rank),
  case when i % 9 > 0 then pg_temp.user_id(1 + i % users, rank) end,
  pg_temp.text(i, rank), pg_temp.moment(i, rank)
from (select * from sizes, generate_series(1, comments) i order by i, rank) n;

insert into attachments (id, tenant_id, task_id, file_name, content, uploaded_at)
select md5('attachment ' || rank || ' ' || i)::uuid, tenant_id, pg_temp.id(1 + i * 5 % tasks, rank),
  pg_temp.text(i, rank) || '.png',
  case when i % 20 = 0 then ''
    when i % 20 = 1 then (select string_agg(decode(lpad(to_hex(b), 2, '0'), 'hex'), '' order by b)
      from generate_series(0, 255) b)
    else decode(repeat(md5(i::text), 1 + i % 40), 'hex') end,
  pg_temp.moment(i, rank)
from (select * from sizes, generate_series(1, attachments) i order by i, rank) n;

insert into activity (on_day, id, tenant_id, actor_id, verb, subject, amount, score, at)
select date '2024-01-01' + i * 13 % 1100, pg_temp.id(i, rank), tenant_id,
  case when i % 5 > 0 then pg_temp.user_id(1 + i % users, rank) end,
  (array['opened', 'closed', 'moved', 'shared'])[1 + i % 4],
  case i % 3 when 0 then ('{"b":1.0, "a" : 1e2,"b":' || i || '}')::json
    when 1 then json_build_object('title', pg_temp.text(i, rank)) end,
  case i % 6 when 0 then 'NaN' when 1 then 0.1000 when 2 then 1e30 when 3 then -0.000001
    when 4 then i end,
  case i % 6 when 0 then 'NaN' when 1 then '-0' when 2 then '-Infinity'
    when 3 then 0.1::float8 + 0.2 when 4 then 5e-324 end,
  pg_temp.moment(i, rank)
from (select * from sizes, generate_series(1, events) i order by i, rank) n;

insert into sign_ins (tenant_id, email, ip)
select tenant_id, 'user' || i || '@' || rank || '.example', '192.0.2.1'
from sizes, generate_series(1, least(users, 50)) i order by i, rank;

insert into app_settings (name, value)
values ('maintenance', 'false'), ('banner', '"Welcome back"'), ('upload_limit_mb', '25');

-- As the sequences would stand, had the application given the ids.
select setval('projects_id_seq', (select max(id) from projects)),
  setval('tasks_id_seq', (select max(id) from tasks)),
  setval('checklist_items_id_seq', (select max(id) from checklist_items)),
  setval('comments_id_seq', (select max(id) from comments)),
  setval('activity_id_seq', (select max(id) from activity));

set local default_statistics_target = 20;
analyze;

do $$
declare
  key foreign_keys;
begin
  for key in select * from foreign_keys loop
    execute format('alter table %s add constraint %s %s', key.place, key.name, key.rule);
  end loop;
end $$;
