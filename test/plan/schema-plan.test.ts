// The schema changes of a plan: defaults, what is refused, and what does not make it another plan.
import { describe, expect, test } from 'vitest'
import { checkPlan, fingerprintOf } from '../../src/plan/check-plan.ts'
import { http } from '../../src/plan/endpoint.ts'
import { type PlanInput, table } from '../../src/plan/plan.ts'
import { smallPlan } from '../helpers/small-plan.ts'

const issuesOf = (changes: object) => {
  try {
    checkPlan(smallPlan(changes as Partial<PlanInput>))
    return []
  } catch (error) {
    return (error as { data: { issues: string[] } }).data.issues
  }
}

describe('schema changes', () => {
  test('have defaults', () => {
    const { schema } = checkPlan(smallPlan({ schema: { expand: { source: ['a.sql'] } } }))
    expect(schema).toMatchObject({
      ...{ expand: { source: ['a.sql'], target: [] }, contract: { source: [], target: [] } },
      ...{ auto: false, lockTimeoutMs: 1_000, concurrentWaitMs: 60_000, attempts: 10 },
    })
  })

  test('are no part of what makes two plans different', () => {
    const plan = (schema: PlanInput['schema']) =>
      fingerprintOf(checkPlan(smallPlan(schema ? { schema } : {})))
    expect(plan({ folder: '/a', expand: { source: ['a.sql'] } })).toBe(plan(undefined))
  })

  test.each([
    [{ expand: { source: ['a.ts'] } }, 'schema.expand.source.0'],
    [{ expand: { source: ['a.sql', 'a.sql'] } }, 'names a file twice'],
    [{ expand: { origin: ['a.sql'] } }, 'unknown `origin`'],
    [{ lockTimeoutMs: 0 }, 'schema.lockTimeoutMs'],
  ])('%j are refused', (schema, reason) => {
    expect(issuesOf({ schema }).join()).toContain(reason)
  })

  test('of an end over HTTP are refused: its application makes them', () => {
    const target = http({ baseUrl: 'https://a.example', auth: { bearerFrom: 'TOKEN' } })
    const schema = { expand: { source: ['a.sql'], target: ['a.sql'] } }
    expect(issuesOf({ target, schema, tables: [table('notes')] })).toEqual([
      expect.stringContaining('`schema.expand.target`: the target is no database here'),
    ])
  })
})
