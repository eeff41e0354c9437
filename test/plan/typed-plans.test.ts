// Plans with the types of their databases: what has to compile, and what must not.
import { expectTypeOf, test } from 'vitest'
import { z } from 'zod'
import {
  anyOf,
  definePlan,
  postgres,
  shared,
  sourceTable,
  sql,
  table,
  targetTable,
} from '../../src/index.ts'
import type { DrizzleDb, NewDb, OldDb, PrismaDb } from '../helpers/schemas/databases-typed.ts'

const ends = {
  name: 'typed',
  source: postgres({ urlFrom: 'SOURCE_URL' }),
  target: postgres({ urlFrom: 'TARGET_URL' }),
  tenants: ['acme'],
}

test('a plan with the types of its databases compiles where all its names are right', () => {
  definePlan<OldDb, NewDb>({
    ...ends,
    tenantColumn: 'tenant_id',
    tables: [
      table('tenants', { tenant: 'id', key: ['id'] }),
      table('projects', { columns: { rename: { name: 'title' }, drop: ['legacy_color'] } }),
      table('tasks', {
        columns: { drop: ['status'], compute: { effort: sql`1` } },
        transform(row, { tenantId }) {
          expectTypeOf(row).toEqualTypeOf<{
            id: bigint
            tenant_id: string
            project_id: bigint
            title: string
            labels: string[]
            budget: string | null
            due_at: string | null
            effort: unknown
          }>()
          expectTypeOf(tenantId).toBeString()
          return { ...row, effort: 2, state: 'open', labels: [...new Set(row.labels)] }
        },
        invert({ state, effort, ...row }) {
          expectTypeOf(effort).toBeNumber()
          return { ...row, status: state === 'closed' ? 'done' : 'open' }
        },
      }),
      table('checklist_items', { through: 'task_id', targetThrough: ['task_id'] }),
      table('tasks', {
        through: { project_id: 'projects.id' },
        targetThrough: { tenant_id: 'tenants.id' },
        nobody: 'stay',
        transform: () => null,
      }),
      table('checklist_items', { through: anyOf('task_id', { id: 'projects.id' }) }),
      table('tasks', { referencedBy: ['checklist_items.task_id', 'projects.id'] }),
      table('tasks', { referencedBy: 'checklist_items.task_id', nobody: 'stay' }),
      sourceTable('tasks', { referencedBy: 'checklist_items.task_id' }),
      targetTable('work_items', { referencedBy: ['projects.id', 'checklist_items.task_id'] }),
      shared('projects', {
        referencedBy: ['tasks.project_id'],
        compare: ['name'],
        newIds: { by: ['name', 'tenant_id'] },
        to: 'projects',
        columns: { drop: ['legacy_color'], rename: { name: 'title' } },
      }),
      shared('tenants', { referencedBy: 'projects.tenant_id', missing: 'refuse' }),
      table('checklist_items', {
        through: [
          { id: 'tasks.id', when: sql`r.text = 'a task'` },
          { id: 'projects.id', when: sql`r.text = 'a project'` },
        ],
      }),
    ],
    exclude: ['sign_ins', 'audit.events', { table: 'sign_ins', leaveReferences: true }],
  })
})

test('a table without the types of its databases compiles as it did', () => {
  definePlan({
    ...ends,
    tables: [
      table('anything', { tenant: 'whatever', columns: { drop: ['a'], rename: { b: 'c' } } }),
      table('notes', {
        transform(row) {
          expectTypeOf(row).toEqualTypeOf<Record<string, unknown>>()
          return { ...row, title: 1 }
        },
      }),
      table<{ id: bigint }>('tasks', { transform: (row) => ({ id: row.id, more: 1 }) }),
      table('lines', {
        row: z.object({ id: z.bigint() }),
        transform(row) {
          expectTypeOf(row).toEqualTypeOf<{ id: bigint }>()
          return row
        },
      }),
      sourceTable('a', { through: 'b' }),
      targetTable('a', { tenant: 'b' }),
      table('a', { referencedBy: 'b.c' }),
      shared('a', { referencedBy: ['b.c'], compare: ['d'], newIds: { by: ['e'] }, to: 'f' }),
    ],
    exclude: ['anything at all'],
  })
})

test('types of Prisma and of Drizzle do, too', () => {
  definePlan<PrismaDb>({
    ...ends,
    tenantColumn: 'orgId',
    tables: [
      table('User', {
        transform(row) {
          expectTypeOf(row).toEqualTypeOf<{ id: number; orgId: string; createdAt: string }>()
          return row
        },
      }),
      table('Post', { through: 'authorId', transform: ({ id, authorId }) => ({ id, authorId }) }),
    ],
  })
  definePlan<DrizzleDb>({
    ...ends,
    tables: [
      table('notes', {
        transform(row) {
          expectTypeOf(row.id).toBeBigInt()
          expectTypeOf(row.at).toEqualTypeOf<string | null>()
          return { ...row, body: null }
        },
      }),
    ],
  })
})

test('the author may know rows better than the types do, and zod, too', () => {
  definePlan<OldDb, NewDb>({
    ...ends,
    tables: [
      table<{ title: string }>('tasks', { transform: ({ title }) => ({ title }) }),
      table('tenants', {
        row: z.object({ id: z.string(), name: z.string() }),
        transform(row) {
          expectTypeOf(row).toEqualTypeOf<{ id: string; name: string }>()
          return row
        },
      }),
    ],
  })
})
