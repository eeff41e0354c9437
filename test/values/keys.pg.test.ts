// Rows are found, guarded, logged, copied, compared and removed by the operators of their own keys,
// whatever types those are of and wherever their operators are.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { ended } from '../helpers/runs.ts'
import {
  deep,
  fillKeyTypes,
  keyTypeNames,
  keyTypes,
  keyTypesSql,
  keyTypeTables,
} from '../helpers/schemas/key-types.ts'
import { createWorld, type World } from '../helpers/world.ts'

let world: World

beforeAll(async () => {
  world = await createWorld({
    both: keyTypesSql,
    plan: {
      strategy: 'online',
      tables: keyTypeTables,
      tenants: ['acme', 'umbra'],
      exclude: ['tenants', 'notes', 'note_lines', 'visits'],
    },
  })
  await world.source.pool.query(keyTypeNames.map(fillKeyTypes).join('\n'))
})
afterAll(async () => await world[Symbol.asyncDispose]())

const at = (end: 'source' | 'target', query: string) => world[end].pool.query(query)

/** All rows of one tenant, as their own notes tell whose they are. */
async function rowsOf(end: 'source' | 'target', tenant: string): Promise<string[]> {
  const queries = keyTypeNames.flatMap((name) =>
    ['', '_child', ...(deep.includes(name) ? ['_leaf'] : [])].map(
      (part) => `select '${name}${part} ' || r::text as r from ${name}${part} r
        where note like '${tenant}%'`,
    ),
  )
  return (await at(end, `${queries.join(' union all ')} order by 1`)).rows.map(({ r }) => r)
}

const flag = `insert into rehome.tenant_flags (scope, tenant_id, mode, token, epoch, move_id,
    reason, retry_after_s, expires_at)
  values ('default', 'acme', 'read_only', gen_random_uuid(), gen_random_uuid(), gen_random_uuid(),
    'a test', 1, clock_timestamp() + interval '1 hour')`

test('check finds nothing in the way', async () => {
  expect(await world.rehome.check(world.plan())).toEqual([])
})

test.each(keyTypeNames)(
  'rows that refer to keys of %s are guarded by their tenant',
  async (name) => {
    const [key] = keyTypes[name]?.keys ?? []
    await at('source', flag)
    try {
      for (const write of [
        `update ${name}_child set note = note where note = 'acme' and id = 1`,
        ...(deep.includes(name) ? [`update ${name}_leaf set note = note where leaf = 2`] : []),
        `insert into ${name}_child values ('${key}', 9)`,
      ]) {
        await expect(at('source', write)).rejects.toMatchObject({ code: '25006' })
      }
      await at('source', `update ${name}_child set note = 'umbra 2' where note = 'umbra'`)
    } finally {
      await at('source', 'delete from rehome.tenant_flags')
    }
  },
)

test('rows whose keys are of any type move online, and come back with other equal keys', async () => {
  await using _ = await world.work()
  const [before, others] = [await rowsOf('source', 'acme'), await rowsOf('source', 'umbra')]
  const { runId } = await world.rehome.enqueue(world.plan(), { tenants: ['acme'] })
  const moved = (await ended(world, runId)).get('acme')
  expect(moved).toMatchObject({ error_message: null, phase: 'moved' })
  expect(await rowsOf('target', 'acme')).toEqual(before)
  for (const name of keyTypeNames) {
    const [key, same] = keyTypes[name]?.keys ?? []
    // As far as a reference allows that, keys become others that are equal.
    await at('target', `update ${name} set key = '${same}', note = 'acme 2'`)
    await at('target', `update ${name}_child set key = '${same}', note = 'acme 2' where id = 2`)
    if (!deep.includes(name)) continue
    await at('target', `delete from ${name}_leaf where leaf = 1`)
    await at('target', `insert into ${name}_leaf values ('${key}', 1, 5, 'acme new')`)
  }
  const written = await rowsOf('target', 'acme')
  await world.rehome.rollback(runId ?? '', { tenants: ['acme'] })
  const back = (await ended(world, runId)).get('acme')
  expect(back).toMatchObject({ error_message: null, phase: 'rolled_back' })
  expect(await rowsOf('source', 'acme')).toEqual(written)
  expect(await rowsOf('source', 'umbra')).toEqual(others)
  await world.rehome.cleanup(runId ?? '', { tenants: ['acme'] })
  expect((await ended(world, runId)).get('acme')).toMatchObject({ error_message: null })
  expect(await rowsOf('target', '')).toEqual([])
})
