// Two databases as tools write their types: kysely-codegen, Prisma's generator for Kysely, Drizzle.
import { bigint, numeric, pgTable, text, timestamp } from 'drizzle-orm/pg-core'
import type { ColumnType } from 'kysely'

// As kysely-codegen writes them.
export type Generated<T> =
  T extends ColumnType<infer S, infer I, infer U>
    ? ColumnType<S, I | undefined, U>
    : ColumnType<T, T | undefined, T>
export type Int8 = ColumnType<string, bigint | number | string, bigint | number | string>
export type Numeric = ColumnType<string, number | string, number | string>
export type Timestamp = ColumnType<Date, Date | string, Date | string>

interface Tenants {
  id: string
  name: string
  created_at: Generated<Timestamp>
}

interface Projects {
  id: Generated<Int8>
  tenant_id: string
  name: string
  legacy_color: string | null
}

interface Tasks {
  id: Generated<Int8>
  tenant_id: string
  project_id: Int8
  title: string
  status: 'done' | 'open'
  labels: string[]
  budget: Numeric | null
  due_at: Timestamp | null
}

interface ChecklistItems {
  id: Int8
  task_id: Int8
  text: string
}

export interface OldDb {
  checklist_items: ChecklistItems
  projects: Projects
  sign_ins: { id: Int8; tenant_id: string }
  tasks: Tasks
  tenants: Tenants
}

export interface NewDb {
  checklist_items: ChecklistItems
  projects: Omit<Projects, 'legacy_color' | 'name'> & { title: string }
  tasks: Omit<Tasks, 'status'> & { state: 'closed' | 'open'; effort: Generated<number> }
  tenants: Tenants
  work_items: { id: Int8; organization_id: string; title: string }
}

// As Prisma's generator for Kysely writes them, with the same `Generated` and `Timestamp`.
export interface PrismaDb {
  User: { id: Generated<number>; orgId: string; createdAt: Generated<Timestamp> }
  Post: { id: string; authorId: number; title: string | null }
}

// Inferred by Drizzle.
const notes = pgTable('notes', {
  id: bigint({ mode: 'bigint' }).primaryKey(),
  tenant_id: text().notNull(),
  body: text(),
  amount: numeric(),
  at: timestamp(),
})

export interface DrizzleDb {
  notes: typeof notes.$inferSelect
}
