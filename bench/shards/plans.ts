/** What rehome is told to do with the shard: the same tables, with and without changes. */
import { definePlan, type PlanInput, postgres, sql, table } from '../../src/index.ts'

export const works = ['plain', 'sql', 'js'] as const
export type Work = (typeof works)[number]
export const targets = ['bare', 'indexed'] as const
export type TargetName = (typeof targets)[number]

/** Target column → SQL, for the plan and for its peer alike. */
export const expressions = {
  users: { settings: `r.settings || '{"moved": true}'`, name: `r.name || '!'` },
  projects: { description: `coalesce(r.description, '-')`, budget: 'coalesce(r.budget, 0) + 1' },
  tasks: {
    title: `r.title || '!'`,
    metadata: `r.metadata || '{"moved": true}'`,
    estimate: 'coalesce(r.estimate, 0) + 1',
    updated_at: 'coalesce(r.updated_at, r.created_at)',
  },
  comments: { body: `r.body || '!'`, edited_at: 'coalesce(r.edited_at, r.created_at)' },
} as const

type Row<Names extends string> = Record<Names, string> & Record<string, unknown>

/** The same by JavaScript: text, dates, numerics, and JSON that is parsed and rebuilt. */
const transforms = {
  users: (row: Row<'name'> & { settings: object }) => ({
    ...row,
    settings: { ...row.settings, moved: true },
    name: `${row.name}!`,
  }),
  projects: (row: Row<never> & { description: string | null; budget: string | null }) => ({
    ...row,
    description: row.description ?? '-',
    budget: (Number(row.budget ?? 0) + 1).toFixed(2),
  }),
  tasks: (row: Row<'title' | 'created_at'> & TaskFields) => ({
    ...row,
    title: `${row.title}!`,
    metadata: { ...row.metadata, moved: true },
    estimate: (Number(row.estimate ?? 0) + 1).toFixed(2),
    updated_at: row.updated_at ?? row.created_at,
  }),
  comments: (row: Row<'body' | 'created_at'> & { edited_at: string | null }) => ({
    ...row,
    body: `${row.body}!`,
    edited_at: row.edited_at ?? row.created_at,
  }),
}

interface TaskFields {
  readonly metadata: object
  readonly estimate: string | null
  readonly updated_at: string | null
}

export function planOf(work: Work, target: TargetName): PlanInput {
  const compute = (name: keyof typeof expressions) =>
    Object.fromEntries(Object.entries(expressions[name]).map(([to, text]) => [to, { sql: text }]))
  const changed = (name: keyof typeof expressions) =>
    work === 'sql' ? { columns: { compute: compute(name) } } : {}
  const { users, projects, tasks, comments } = transforms
  const byJs = <T>(transform: T) => (work === 'js' ? { transform } : {})
  return definePlan({
    name: `${work}-${target}`,
    source: postgres({ urlFrom: 'SOURCE_URL' }),
    target: postgres({ urlFrom: `${target.toUpperCase()}_URL` }),
    tenants: sql`select distinct tenant_id::text from users`,
    tables: [
      table('users', { ...changed('users'), ...byJs(users) }),
      table('projects', { ...changed('projects'), ...byJs(projects) }),
      table('tasks', { ...changed('tasks'), ...byJs(tasks) }),
      table('comments', { ...changed('comments'), ...byJs(comments) }),
    ],
    attempts: 1,
    pause: { budgetMs: 3_600_000 },
  })
}

export const plans: readonly PlanInput[] = works.flatMap((work) =>
  targets.map((target) => planOf(work, target)),
)
