// A parent for each of some types of keys, its children by a foreign key, and theirs: only the
// parents have the tenant. They move, are written at the new home, and come back.
import { expect } from 'vitest'
import { askRollback } from '../../../src/control/ask.ts'
import { type PlanInput, table } from '../../../src/plan/plan.ts'
import type { Pool } from '../../../src/postgres.ts'
import { type Attempts, openAttempts } from '../attempts/attempts.ts'
import { storeMoves, stories } from '../attempts/stories.ts'
import { onlinePlan } from '../way-back.ts'
import type { World } from '../world.ts'

export interface Keyed {
  /** Made before the tables. */
  readonly sql?: string
  readonly type: string
  /** The type of the children's column, where it is another one. */
  readonly childType?: string
  /** A key, the same key written in another way where there is one, and another key. */
  readonly keys: readonly [string, string, string]
  /** Its children have children of their own. */
  readonly deep?: true
}

export type KeyedTypes = Readonly<Record<string, Keyed>>

/** `old` is what only one end has, if the other drops it. */
function keyedSql(types: KeyedTypes): string {
  const tables = Object.entries(types).map(
    ([name, { sql = '', type, childType = type, deep }]) => `${sql};
      create table ${name} (key ${type} primary key, tenant_id text not null, note text,
        old text default 'a default');
      create table ${name}_child (key ${childType} references ${name}, id int, note text,
        primary key (key, id));
      ${
        deep
          ? `create table ${name}_leaf (key ${childType}, id int, leaf int primary key, note text,
        foreign key (key, id) references ${name}_child (key, id))`
          : ''
      }`,
  )
  return `drop table note_lines, notes, visits, tenants; ${tables.join(';')}`
}

function withoutOld(types: KeyedTypes): string {
  return Object.keys(types)
    .map((name) => `alter table ${name} drop column old`)
    .join(';')
}

function keyedTables(
  types: KeyedTypes,
  options: { readonly drop: readonly string[] },
): PlanInput['tables'] {
  const columns = options.drop.length > 0 ? { columns: { drop: [...options.drop] } } : {}
  return Object.entries(types).flatMap(([name, { deep }]) => [
    table(name, columns),
    table(`${name}_child`, { through: 'key' }),
    ...(deep ? [table(`${name}_leaf`, { through: ['key', 'id'] })] : []),
  ])
}

/** Parents of `acme`, whose children write the key in the other way; and one of another tenant. */
function keyedRows(types: KeyedTypes): string {
  const rows = Object.entries(types).map(
    ([
      name,
      {
        keys: [key, same, other],
        deep,
      },
    ]) => {
      return `insert into ${name} values ('${key}', 'acme', 'acme', 'of acme'),
        ('${other}', 'umbra', 'umbra', 'of umbra');
      insert into ${name}_child values ('${same}', 1, 'acme'), ('${key}', 2, 'acme'),
        ('${other}', 1, 'umbra');
      ${
        deep
          ? `insert into ${name}_leaf values ('${key}', 1, 1, 'acme'), ('${same}', 2, 2, 'acme'),
        ('${other}', 1, 3, 'umbra')`
          : ''
      }`
    },
  )
  return rows.join(';')
}

/**
 * Writes: as far as references allow it, keys become others that are equal; rows come, change and
 * go.
 */
function writesOf(types: KeyedTypes): string {
  const writes = Object.entries(types).map(
    ([
      name,
      {
        keys: [key, same],
        deep,
      },
    ]) => `
      update ${name} set key = '${same}', note = 'acme 2' where tenant_id = 'acme';
      update ${name}_child set key = '${same}', note = 'acme 2' where id = 2;
      ${
        deep
          ? `delete from ${name}_leaf where leaf = 1;
      insert into ${name}_leaf values ('${key}', 1, 5, 'acme new')`
          : `insert into ${name}_child values ('${key}', 5, 'acme new')`
      }`,
  )
  return writes.join(';')
}

/** Rows of one tenant, as their own notes tell whose they are, without what is `old`. */
async function rowsOf(pool: Pool, types: KeyedTypes, tenant: string): Promise<string[]> {
  const queries = Object.entries(types).flatMap(([name, { deep }]) =>
    ['', '_child', ...(deep ? ['_leaf'] : [])].map(
      (part) => `select concat('${name}${part} ', to_jsonb(r) - 'old', ' ', r.key) as r
        from ${name}${part} r where note like '${tenant}%'`,
    ),
  )
  const { rows } = await pool.query(`${queries.join(' union all ')} order by 1`)
  return rows.map(({ r }: { r: string }) => r)
}

async function oldOf(pool: Pool, types: KeyedTypes): Promise<[string, string][]> {
  const queries = Object.keys(types).map(
    (name) => `select '${name}' as n, old from ${name}
    where tenant_id = 'acme'`,
  )
  const { rows } = await pool.query(`${queries.join(' union all ')} order by 1`)
  return rows.map(({ n, old }: { n: string; old: string }) => [n, old])
}

async function attempted(world: World, attempts: Attempts, id: string): Promise<unknown> {
  await attempts.finish(id)
  const query = 'select phase, error_message from rehome_control.moves where id = $1'
  return (await world.control.pool.query(query, [id])).rows[0]
}

/** Rows are equal at both ends each time, and what is `old` is what it was. */
export async function moveKeyedAndReturn(world: World, types: KeyedTypes): Promise<void> {
  const { source, target } = world
  await source.pool.query(keyedRows(types))
  const before = await rowsOf(source.pool, types, 'acme')
  const others = await rowsOf(source.pool, types, 'umbra')
  const old = Object.keys(types)
    .sort()
    .map((name) => [name, 'of acme'])
  const attempts = openAttempts(world)
  const [move] = await storeMoves(world, stories.move, ['acme'])
  const id = move?.id ?? ''
  expect(await attempted(world, attempts, id)).toEqual({ phase: 'moved', error_message: null })
  expect(await rowsOf(target.pool, types, 'acme')).toEqual(before)
  await target.pool.query(writesOf(types))
  const written = await rowsOf(target.pool, types, 'acme')
  expect(written).not.toEqual(before)
  await askRollback(world.rehome.control, id, { by: 'tester', discardWrites: false })
  expect(await attempted(world, attempts, id)).toEqual({
    ...{ phase: 'rolled_back', error_message: null },
  })
  expect(await rowsOf(source.pool, types, 'acme')).toEqual(written)
  expect(await rowsOf(source.pool, types, 'umbra')).toEqual(others)
  expect((await oldOf(source.pool, types)).sort()).toEqual(old)
  await attempts[Symbol.asyncDispose]()
}

/** The target lacks `old`. */
export function keyedOptions(types: KeyedTypes) {
  return {
    both: keyedSql(types),
    target: withoutOld(types),
    plan: {
      ...{ ...onlinePlan, attempts: 1, fence: { leaseMs: 600_000, drainMs: 10_000 } },
      tenants: ['acme', 'umbra'],
      tables: keyedTables(types, { drop: ['old'] }),
    },
  }
}
