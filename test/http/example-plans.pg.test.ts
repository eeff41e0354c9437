// The example plans over HTTP work as they stand, with an example application at the other end.
import { readFile } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { expect, test } from 'vitest'
import fromHttp from '../../examples/http-end/from-http.ts'
import { createApp } from '../../examples/http-end/node.ts'
import toHttp from '../../examples/http-end/to-http.ts'
import type { PlanInput } from '../../src/plan/plan.ts'
import { secret } from '../helpers/http-end.ts'
import { ended } from '../helpers/runs.ts'
import { createWorld, installPlans, type World } from '../helpers/world.ts'

const drop = 'drop table visits, note_lines, notes, tenants; drop type mood;'
const [notebook, titled] = await Promise.all(
  ['source', 'target'].map((name) => readFile(`examples/${name}.sql`, 'utf8')),
)
const fewer = (notebook ?? '').replaceAll('5000', '50')
const empty = fewer.replace(/^insert [^;]*;/gm, '')

async function served(world: World, end: 'source' | 'target') {
  const server = await createApp({ pool: world[end].pool, secret })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  world.environment.NOTEBOOK_URL = `http://127.0.0.1:${port}/rehome`
  world.environment.REHOME_SECRET = secret
  return {
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

async function phasesOf(world: World, plan: PlanInput) {
  await installPlans(world, [plan])
  await using _worker = await world.work([plan])
  const { runId } = await world.rehome.enqueue(plan)
  const moves = [...(await ended(world, runId)).values()]
  return moves.map(({ phase, error_message }) => [phase, error_message])
}

const both = [
  ['moved', null],
  ['moved', null],
]

test('a notebook that is reached over HTTP becomes tables of the new model', async () => {
  await using world = await createWorld({
    ...{ source: drop + fewer, target: drop + titled },
    plan: { tables: fromHttp.tables, tenants: ['acme'] },
  })
  await using _app = await served(world, 'source')
  expect(await phasesOf(world, fromHttp)).toEqual(both)
  const notes = 'select title, body from notes order by id limit 1'
  expect((await world.target.pool.query(notes)).rows).toEqual([
    { title: 'Note 1 of Acme & Sons', body: 'Its text, 🏠 and all.' },
  ])
})

test('notebooks of a database go to an application over HTTP', async () => {
  await using world = await createWorld({
    ...{ source: drop + fewer, target: drop + empty },
    plan: { tables: toHttp.tables },
  })
  await using _app = await served(world, 'target')
  expect(await phasesOf(world, toHttp)).toEqual(both)
  const all = 'select n::text from notes n order by id'
  const before = (await world.source.pool.query(all)).rows
  expect((await world.target.pool.query(all)).rows).toEqual(before)
  expect(before).toHaveLength(100)
})
