// A partition that is made or attached after the fence was installed, and writes to it alone.
export const bounds = `for values from ('2027-01-01') to ('2028-01-01')`
/** How a partition of `visits` comes to be. */
export const ways = {
  'made as a partition': `create table visits_2027 partition of visits ${bounds}`,
  'made below a partition': `drop table visits_2026_h2; create table visits_2027
    partition of visits_2026 for values from ('2026-07-01') to ('2027-01-01')`,
  'made of partitions': `create table visits_late partition of visits ${bounds}
      partition by list (tenant_id);
    create table visits_2027 partition of visits_late default`,
  'attached with its rows': `create table visits_2027 (hits int not null, day date not null,
      gone text, tenant_id text not null);
    alter table visits_2027 drop column gone;
    insert into visits_2027 values (1, '2027-01-01', 'acme');
    alter table visits attach partition visits_2027 ${bounds}`,
}
export const dayOf = (way: string) => (way === 'made below a partition' ? '2026-12-' : '2027-02-')

/** Writes of the tenant to the new partition alone. */
export const writes = (way: string, tenant: string): Record<string, string> => ({
  insert: `insert into visits_2027 (tenant_id, day, hits) values ('${tenant}', '${dayOf(way)}01', 1)`,
  several: `insert into visits_2027 (tenant_id, day, hits)
    values ('beta', '${dayOf(way)}02', 1), ('${tenant}', '${dayOf(way)}03', 1)`,
  update: `update visits_2027 set hits = 2 where tenant_id = '${tenant}'`,
  'change of the tenant': `update visits_2027 set tenant_id = 'beta', day = '${dayOf(way)}28'
    where tenant_id = '${tenant}' and day = '${dayOf(way)}27'`,
  delete: `delete from visits_2027 where tenant_id = '${tenant}'`,
})
