// What `check` says of triggers, rules and keys that a copy or a removal would set off.
import { describe, expect, test } from 'vitest'
import type {
  CatalogReaction,
  CatalogReference,
  CatalogTable,
} from '../../../src/plan/catalogs/catalog.ts'
import { dependentFindings, silentReactions } from '../../../src/plan/catalogs/dependents.ts'
import { checkPlan } from '../../../src/plan/check-plan.ts'
import { tablesLeft } from '../../../src/plan/routing/tables.ts'
import { planOf, tableOf } from '../../helpers/catalog.ts'

const notes = tableOf('notes', { columns: { id: 'int8 key', tenant_id: 'text' } })

interface Given {
  readonly table?: Partial<CatalogTable>
  readonly replicate: boolean
  readonly left?: readonly string[]
}

function of({ table, replicate, left = [] }: Given) {
  return {
    ...{ where: 'target', schema: 'public', mode: { replicate }, left, shared: ['members'] },
    tables: [{ table: { ...notes, ...table }, path: { kind: 'column', column: '' } as const }],
    events: ['INSERT', 'DELETE'] as const,
  }
}

const said = (given: Given) =>
  dependentFindings(of(given)).map(({ where, message }) => `${where}: ${message}`)

describe('a trigger or a rule', () => {
  const reaction = (change: Partial<CatalogReaction>): CatalogReaction => {
    const usual = { kind: 'trigger', relation: 'notes', name: 'welcome', fires: 'origin' } as const
    return { ...usual, events: ['INSERT'], ...change }
  }
  const at = (change: Partial<CatalogReaction>) => ({ table: { reactions: [reaction(change)] } })

  test('is refused where it fires, with what to do', () => {
    expect(said({ ...at({}), replicate: false })).toEqual([
      'target table "notes": trigger "welcome" would fire on each INSERT of ours: ' +
        '`grant set on parameter session_replication_role` to our role, or disable it',
    ])
    expect(said({ ...at({ fires: 'always', relation: 'notes_1' }), replicate: true })).toEqual([
      'target table "notes": trigger "welcome" of "notes_1" would fire on each INSERT of ours: ' +
        'it is `enable always`: make it `enable`, or disable it',
    ])
  })

  test.each([
    [true, { fires: 'origin' }],
    [false, { fires: 'replica' }],
    [false, { events: ['UPDATE'] }],
    [false, { kind: 'rule', events: ['INSERT'] }],
  ] as const)('is no reason to refuse: replication %s, %j', (replicate, change) => {
    expect(said({ ...at(change as Partial<CatalogReaction>), replicate })).toEqual([])
  })

  test('is none at an end where our role may not do what it fires at', () => {
    const table = { reactions: [reaction({ events: ['DELETE'] })], privileges: ['SELECT'] }
    expect(said({ table, replicate: false })).toEqual([])
  })

  test('is listed where it does not fire', () => {
    expect(silentReactions(of({ ...at({}), replicate: true }))).toEqual([
      {
        where: 'target table "notes"',
        message: 'trigger "welcome" does not fire while rows are copied or removed',
      },
    ])
    expect(silentReactions(of({ ...at({}), replicate: false }))).toEqual([])
  })
})

describe('a key of a table outside of the move', () => {
  const reference = (change: Partial<CatalogReference>): CatalogReference => ({
    ...{ name: 'audit_fkey', schema: 'public', relation: 'audit', table: 'audit' },
    ...{ columns: ['note_id'], parentRelation: 'notes', parent: 'notes', parentColumns: ['id'] },
    ...{ parentSchema: 'public', deferrable: false },
    ...{ onDelete: 'cascade', onUpdate: 'no action', readable: true, ...change },
  })
  const at = (change: Partial<CatalogReference>) => ({ table: { references: [reference(change)] } })

  test.each(['cascade', 'set null', 'set default'] as const)(
    'is named: on delete %s',
    (onDelete) => {
      const [finding] = said({ ...at({ onDelete }), replicate: true })
      expect(finding).toBe(
        `target table "audit": its key "audit_fkey" to "notes" is \`on delete ${onDelete}\`, and the table does not move: ` +
          "plan it, or set `exclude: [{ table: 'audit', leaveReferences: true }]`, and its rows stay as they are",
      )
      expect(said({ ...at({ onDelete }), replicate: true, left: ['audit'] })).toEqual([])
      const [fires] = said({ ...at({ onDelete }), replicate: false, left: ['audit'] })
      expect(fires).toContain('so a removal would change its rows: `grant set on parameter')
    },
  )

  test('is named with its partition, and its schema', () => {
    const key = { relation: 'audit_1', schema: 'log' }
    const [finding] = said({ ...at(key), replicate: true })
    expect(finding).toContain(
      'target table "log.audit": its key "audit_fkey" of its partition "audit_1"',
    )
    expect(said({ ...at(key), replicate: true, left: ['log.audit'] })).toEqual([])
  })

  test('is no reason to refuse where it does nothing, or its table moves', () => {
    for (const onDelete of ['no action', 'restrict'] as const) {
      expect(said({ ...at({ onDelete }), replicate: false })).toEqual([])
    }
    expect(said({ ...at({ table: 'notes' }), replicate: false })).toEqual([])
  })

  test('is named where our role may not read its rows', () => {
    expect(said({ ...at({ readable: false, onDelete: 'no action' }), replicate: true })).toEqual([
      'target table "audit": our role has no SELECT privilege, and its rows may refer by "audit_fkey" to rows of "notes" that move',
    ])
  })
})

test('a plan says which tables may leave references, and may be checked again', () => {
  const exclude = ['logs', { table: 'audit', leaveReferences: true }, { table: 'more' }]
  const plan = planOf([{ kind: 'discover', column: 'tenant_id', exclude: [] }], { exclude })
  expect(tablesLeft(plan)).toEqual(['audit'])
  expect(checkPlan(plan)).toEqual(plan)
})
