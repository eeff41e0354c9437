// What changes over HTTP cannot follow is said beforehand.
import { expect, test } from 'vitest'
import { table } from '../../../src/plan/plan.ts'
import { createHttpWorld } from '../../helpers/http-world.ts'

test('rows that would be lost on the way back, or could not be logged, are refused', async () => {
  const source = `alter table note_lines add column colour text;
    alter table visits add column j json`
  const tables = [
    table('tenants', { tenant: 'id' }),
    table('notes'),
    table('note_lines', { through: 'note_id', columns: { drop: ['colour'] } }),
    table('visits', { columns: { drop: ['j'] } }),
  ]
  await using world = await createHttpWorld({ over: ['target'], source })
  const findings = async (windowMs: number) => {
    const plan = world.plan({ tables, strategy: 'online', rollback: { windowMs } })
    return (await world.rehome.check(plan)).map(({ where, message }) => `${where}: ${message}`)
  }
  const lost = expect.stringMatching(/^table "note_lines": a rollback over HTTP would lose column/)
  const json = expect.stringMatching(/^source table "visits": old rows are logged as jsonb.*"j"/)
  expect(await findings(60_000)).toEqual(expect.arrayContaining([lost, json]))
  expect(await findings(0)).toEqual(expect.not.arrayContaining([lost]))
})

test('tables that find their tenant by different ways at the two ends are refused', async () => {
  const target = `alter table note_lines add column tenant_id text`
  const lines = table('note_lines', { through: 'note_id', targetTenant: 'tenant_id' })
  const tables = [table('tenants', { tenant: 'id' }), table('notes'), lines, table('visits')]
  await using world = await createHttpWorld({ over: ['source'], target })
  const plan = world.plan({ tables, strategy: 'online', rollback: { windowMs: 0 } })
  const found = (await world.rehome.check(plan)).map(({ where, message }) => `${where}: ${message}`)
  const other = /^table "note_lines": finds its tenant by another way at the target/
  expect(found).toEqual(expect.arrayContaining([expect.stringMatching(other)]))
})
