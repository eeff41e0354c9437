// What an examination comes to: what was not tried is no success, and a failure shows its request.
import { expect, test } from 'vitest'
import { exitCodeOf, lineOf, summaryOf } from '../../../conformance/verdict.ts'
import { type Breach, breaches } from '../../helpers/http/broken-ends.ts'
import { failed, inhabited, look } from '../../helpers/http/conformance.ts'
import { smallTables } from '../../helpers/http-end.ts'
import { createWorld } from '../../helpers/world.ts'

test('points that were not tried are named with the table that they need', async () => {
  await using world = await createWorld({ bare: true, source: 'drop table visits' })
  await world.source.pool.query(`insert into tenants (id, name) values ('acme', 'Acme')`)
  await world.source.pool.query(`insert into notes (tenant_id) values ('acme'), ('acme')`)
  const tables = smallTables.filter((one) => !('name' in one && one.name === 'visits'))
  const findings = await look(world, { tables, only: ['batches', 'removals', 'auth'] })
  expect(failed(findings)).toEqual([])
  expect(exitCodeOf(findings)).toBe(3)
  const summary = summaryOf(findings)
  expect(summary).toMatch(/NOT TRIED: \d+ points, .*\n {2}.*batches\.\w+, .*removals\./)
  expect(summary).toMatch(/"acme" has no two rows in a table whose keys all have its tenant column/)
  expect(summary).toContain('create table rehome_conformance')
  // Requests that are not signed are nothing that this end lacks.
  expect(exitCodeOf(findings.filter(({ point }) => point.startsWith('auth.')))).toBe(0)
})

test('a point that failed shows its last request with the body', async () => {
  await using world = await inhabited()
  const about = Object.values(breaches).find(({ points }) => points[0]?.startsWith('batches.'))
  const { breach, points: only } = about as { breach: Breach; points: string[] }
  const findings = await look(world, { breach, only })
  const broken = findings.find(({ outcome }) => outcome === 'FAILED')
  expect(broken?.request).toMatch(/^POST v1\/\S+ \{.*"scope":"default"/)
  expect(broken && lineOf(broken)).toContain('last request: POST v1/')
})
