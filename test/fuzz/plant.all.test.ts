// The fuzzer can fail: a fault that is planted after a move is found, shrunk and written down.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { name } from '../../fuzz/draw/draw.ts'
import { drawCase } from '../../fuzz/draw/draw-case.ts'
import { type Ground, openGround } from '../../fuzz/ground.ts'
import { accountOf, reportOf, textOf } from '../../fuzz/report.ts'
import { runFuzz } from '../../fuzz/run.ts'
import type { Plant } from '../../fuzz/try-case.ts'
import { readWhole } from '../../fuzz/whole.ts'

const seed = 1
// Small cases whose stories begin with a move; most of them get past check.
const numbers = Array.from({ length: 200 }, (_, i) => i).filter((i) => {
  const { tables, reactions, story } = drawCase(seed, i)
  const isSmall =
    story.over.length === 0 &&
    tables.length <= 4 &&
    reactions.length === 0 &&
    tables.every((one) => !one.left)
  return isSmall && ['back', 'again', 'backClean'].includes(story.kind) && story.role !== 'plain'
})

let ground: Ground

beforeAll(async () => {
  ground = await openGround()
})
afterAll(async () => await ground[Symbol.asyncDispose]())

/** One statement past guards, triggers and keys, on the first row of this tenant. */
function plantAt(
  end: 'source' | 'target',
  owner: 'a' | 'b',
  statement: (table: string) => string,
): Plant {
  return async (at, { kase, step }) => {
    if (step.do !== 'move') return
    const row = (await readWhole(at[end])).find((line) => line.owner === owner)
    if (!row) return
    const table = `${name(kase.schema)}.${name(row.table)}`
    await at[end].query(`set session_replication_role = replica;
      ${statement(table)} where mark = '${row.mark}'; reset session_replication_role`)
  }
}

async function runWith(plant: Plant, number: number) {
  const options = { seed, minutes: 1, case: number, json: false }
  const outcome = await runFuzz({ ...options, ground, plant, triesMax: 2 }, () => {})
  return { outcome, report: reportOf(options, outcome) }
}

/** The first of some cases that gets past check, and so comes to the fault. */
async function foundWith(plant: Plant) {
  for (const number of numbers.slice(0, 8)) {
    const tried = await runWith(plant, number)
    if (tried.report.found.length > 0) return tried
  }
  throw new Error('no case found the planted fault')
}

describe('a planted fault is found and shrunk', () => {
  test.each([
    [
      'a row of another tenant that the move has changed',
      plantAt('source', 'b', (table) => `update ${table} set mark = mark || '?'`),
      'a row that does not move was changed at the source',
    ],
    [
      'a row of the tenant that has not arrived',
      plantAt('target', 'a', (table) => `delete from ${table}`),
      "the tenant's rows are not as written at the target",
    ],
  ])('%s', async (_, plant, what) => {
    const { report, outcome } = await foundWith(plant)
    expect(report.held).toBe(false)
    const [found] = report.found.filter((one) => one.what === what)
    const drawn = drawCase(seed, found?.case ?? 0)
    const [smallest] = outcome.found.map((one) => one.smallest)
    expect(JSON.stringify(smallest).length).toBeLessThan(JSON.stringify(drawn).length)
    const account = found ? accountOf(found) : textOf(report)
    expect(account).toContain('create table')
    expect(account).toContain(`npm run fuzz -- --seed ${seed} --case ${found?.case}`)
  })
})
