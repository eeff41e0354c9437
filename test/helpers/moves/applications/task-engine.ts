// A task engine: 22 partitioned tables, references without keys, identities that are always made,
// and triggers.
import type { RealApplication } from './real-application.ts'

const numbers = Array.from({ length: 11 }, (_, i) => i)
const [first, second] = [1, 2].map((n) => `00000000-0000-4000-8000-00000000000${n}`)

const parted = (name: string, columns: string) => [
  `create table ${name} (id bigint generated always as identity primary key, ${columns})
    partition by hash (id)`,
  `create table ${name}_even partition of ${name} for values with (modulus 2, remainder 0)`,
  `create table ${name}_odd partition of ${name} for values with (modulus 2, remainder 1)`,
]

export const taskEngine: RealApplication = {
  tenantTable: 'workspaces',
  tenant: String(first),
  schema: [
    `create table workspaces (id uuid primary key, name text)`,
    `create function versioned() returns trigger language plpgsql as $$
      begin new.version := old.version + 1; return new; end $$`,
    ...numbers.flatMap((i) => [
      ...parted(`jobs_${i}`, `workspace_id uuid not null, state text, version int default 0`),
      ...parted(`steps_${i}`, `jobs_${i}_id bigint not null, result jsonb`),
      `create index on steps_${i} (jobs_${i}_id)`,
      `create trigger versions before update on jobs_${i} for each row execute function versioned()`,
    ]),
  ],
  seed: [
    `insert into workspaces values ('${first}', 'one'), ('${second}', 'two')`,
    ...numbers.flatMap((i) => [
      `insert into jobs_${i} overriding system value select g, w.id, 'new'
        from generate_series(1, 6) g, workspaces w where g % 2 = right(w.id::text, 1)::int % 2`,
      `insert into steps_${i} overriding system value select g, g, jsonb_build_object('n', g)
        from generate_series(1, 6) g`,
    ]),
  ].join('; '),
  lines: [`table('jobs_0')`, `table('steps_10', { through: { jobs_10_id: 'jobs_10.id' } })`],
  write(i) {
    const [n, id] = [i % 11, 1_000 + 10 * i]
    const [jobs, steps] = [`jobs_${n}`, `steps_${n}`]
    return [
      // Steps before their job.
      `insert into ${steps} overriding system value values (${id}, ${id}, '{}'), (${id + 1}, 1, '{}')`,
      `insert into ${jobs} overriding system value values (${id}, '${first}', 'new')`,
      `update ${jobs} set state = 'done' where id in (1, ${id - 110})`,
      `update ${steps} set result = '{"ok": true}' where id in (3, ${id})`,
      ...(i % 4 === 3
        ? [
            `delete from ${steps} where jobs_${n}_id = ${id - 220}`,
            `delete from ${jobs} where id = ${id - 220}`,
          ]
        : []),
    ]
  },
}
