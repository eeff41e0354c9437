// Where tenants live, by the control database alone: who has left a home, and who came back.
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { departedTenants } from '../../src/control/homes.ts'
import { insertRun } from '../../src/control/runs/runs.ts'
import { type ControlOnly, createControl } from '../helpers/errands/states.ts'

let db: ControlOnly
beforeAll(async () => {
  db = await createControl()
})
afterAll(() => db[Symbol.asyncDispose]())

interface Past {
  readonly from: string
  readonly to: string
  readonly scope?: string
  readonly targetScope?: string
  /** Columns of the move, as SQL. */
  readonly is: string
}

async function store(tenant: string, { from, to, is, ...scopes }: Past): Promise<void> {
  const { scope = 'default', targetScope = scope } = scopes
  const [id, move] = [randomUUID(), randomUUID()]
  const named = { id, plan_name: 'plan', plan_fingerprint: '', scope, source: from, target: to }
  const how = { attempts: 1, backoff_ms: 1, created_by: 'tester', rehome_version: '0' }
  const moves = [{ id: move, tenant }]
  await insertRun(db.control, { ...named, ...how }, { moves, errand: 'move', targetScope })
  await db.control.pool.query(`update rehome_control.moves set ${is} where id = $1`, [move])
}

async function departedFrom(place: string, scope: string, past: readonly Past[]) {
  const tenant = randomUUID()
  for (const one of past) await store(tenant, one)
  const homes = [tenant, 'another'].map((id) => ({ tenant: id, place }))
  return (await departedTenants(db.control, scope, homes)).length === 1
}

const moved = `phase = 'moved', open = false`
const there = { from: 'a', to: 'b', is: moved }
const back = { from: 'b', to: 'a', is: moved }
const rolledBack = { from: 'a', to: 'b', is: `phase = 'rolled_back', open = false` }
const failed = { from: 'a', to: 'b', is: `phase = 'failed', open = false, error_code = 'STOPPED'` }
const during = (errand: string) => ({
  ...{ from: 'a', to: 'b' },
  is: `phase = '${errand}', errand = '${errand}', fallback_phase = 'moved'`,
})
const cleaned = (fallback: string) => ({
  ...{ from: 'a', to: 'b' },
  is: `phase = 'cleaned', open = false, fallback_phase = '${fallback}'`,
})
const inside = { from: 'a', to: 'a', scope: 'old', targetScope: 'new', is: moved }

test.each<[what: string, past: readonly Past[]]>([
  ['that has moved', [there]],
  ['that has moved and whose old copy is gone', [cleaned('moved')]],
  ['that has moved and is being audited', [during('audit')]],
  ['whose window is being ended', [during('finalize')]],
  ['whose old copy is being removed', [during('cleanup')]],
  ['that came back and left again', [there, back, there]],
  ['that was rolled back and has moved since', [rolledBack, there]],
  ['whose further move failed', [there, { ...failed, from: 'b', to: 'c' }]],
  ['that has moved further on', [there, { from: 'b', to: 'c', is: moved }]],
])('a tenant %s has left its first home', async (_, past) => {
  expect(await departedFrom('a', 'default', past)).toBe(true)
})

test.each<[what: string, past: readonly Past[]]>([
  ['that never moved', []],
  ['that waits to move', [{ from: 'a', to: 'b', is: `open = true` }]],
  ['whose move failed', [failed]],
  ['that was rolled back', [there, rolledBack]],
  ['that was rolled back and whose copy is gone', [cleaned('rolled_back')]],
  ['that is being brought back', [{ ...there, is: `phase = 'moved', errand = 'rollback'` }]],
  ['that came back by another run', [there, back]],
  ['that has moved under another scope', [{ ...there, scope: 'billing' }]],
  ['that has left another place', [{ ...there, from: 'c' }]],
])('a tenant %s has not left its first home', async (_, past) => {
  expect(await departedFrom('a', 'default', past)).toBe(false)
})

test('a tenant that moves within one database leaves its old scope, and not its new one', async () => {
  expect(await departedFrom('a', 'old', [inside])).toBe(true)
  expect(await departedFrom('a', 'new', [inside])).toBe(false)
})
