// A plan that contradicts itself is refused with everything that does, as one error.
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { checkPlan } from '../../src/plan/check-plan.ts'
import { http } from '../../src/plan/endpoint.ts'
import { table } from '../../src/plan/plan.ts'
import { refusal, small } from '../helpers/plans/refused-plan.ts'

describe('a plan that contradicts itself is refused:', () => {
  test.each([
    ['a table named twice', [table('notes'), table('notes')], /"notes" is named twice$/],
    ['a table planned and excluded', [table('lines')], /"lines" is in `exclude`, too$/],
    [
      'a row that nothing is made of is checked',
      [table('notes', { row: z.object({}) })],
      /"notes" has `row` or `quarantine`, which are for tables with a `transform`/,
    ],
    [
      'a table with two ways to its tenant',
      [table('notes', { tenant: 'owner', through: 'owner_id' })],
      /"notes" has both `tenant` and `through`/,
    ],
  ])('%s', (_, tables, message) => {
    expect(refusal({ ...small, tables, exclude: ['lines'] }).message).toMatch(message)
  })
})

describe('a plan with several contradictions', () => {
  const stream = (name: string, invert = false) => ({
    ...{ kind: 'stream' as const, name, from: 'notes', by: ['id'], to: ['pages'], quarantine: 0 },
    transform: () => ({}),
    ...(invert && { invert: () => ({}) }),
  })
  const everything = {
    ...small,
    target: http({ auth: { bearerFrom: 'TOKEN' } } as never),
    exclude: ['lines', 'lines'],
    rollback: { auditEveryMs: 1_000 },
    tables: [
      ...['notes', 'notes', 'lines'].map((name) => table(name, { tenant: 'a', through: 'b' })),
      ...[stream('pages'), stream('pages', true)],
    ],
  }

  test('has all of them in the error and in its message', () => {
    const { message, data } = refusal(everything)
    expect(data.issues).toEqual([
      expect.stringContaining('`exclude`: "lines" is named twice'),
      expect.stringContaining('`target`: an end over HTTP has either'),
      expect.stringContaining('`rollback.auditEveryMs`: '),
      expect.stringContaining('stream "pages" has `invert`'),
      expect.stringContaining('stream "pages" is named twice'),
      expect.stringContaining('"notes" is named twice'),
      expect.stringContaining('"notes" has both'),
      expect.stringContaining('"lines" is in `exclude`, too'),
      expect.stringContaining('"lines" has both'),
    ])
    expect(message.split('; ')).toEqual(data.issues)
  })

  test('names each contradiction of one table', () => {
    const tables = [table('lines', { tenant: 'a', through: 'b', row: z.object({}) })]
    expect(refusal({ ...small, tables, exclude: ['lines'], concurrency: 8 }).message).toMatch(
      /^[^;]*in `exclude`[^;]*; [^;]*`row`[^;]*; [^;]*`through`[^;]*$/,
    )
    const online = { strategy: 'online' as const, concurrency: 8 }
    expect(refusal({ ...small, ...online, exclude: ['x', 'x'] }).message).toMatch(
      /"x" is named twice; plan "small" follows changes .* poolSize of 17/,
    )
  })
})

test('guards that come and go need a window in which the old home refuses late writes', () => {
  const passing = { ...small, guards: 'while moving' as const }
  expect(refusal(passing).message).toMatch(/`guards`: "while moving" needs `rollback.windowMs`/)
  expect(checkPlan({ ...passing, rollback: { windowMs: 1 } }).guards).toBe('while moving')
  expect(checkPlan({ ...passing, strategy: 'online' }).guards).toBe('while moving')
})
