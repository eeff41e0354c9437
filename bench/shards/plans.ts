/** Plans for the shard: the same tables, with and without changes. */
import { definePlan, type PlanInput, postgres, sql, table } from '../../src/index.ts'

const singleWorks = ['plain', 'sql', 'js', 'spread', 'online', 'paced'] as const
export const works = [...singleWorks, 'plain ×4', 'js ×4'] as const
/** The treatment of the rows, and the number of tenants at once. */
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

/** Columns as a transform reads them: numerics and timestamps are texts. */
interface Columns {
  name: string
  settings: object
  description: string | null
  budget: string | null
  title: string
  metadata: object
  estimate: string | null
  body: string
  created_at: string
  updated_at: string | null
  edited_at: string | null
}

type Row<Names extends keyof Columns> = Pick<Columns, Names>

const plusOne = (numeric: string | null) => (Number(numeric ?? 0) + 1).toFixed(2)

/** The changes in JavaScript: text, dates, numerics, and JSON that is parsed and rebuilt. */
const transforms = {
  users(row: Row<'name' | 'settings'>) {
    row.settings = { ...row.settings, moved: true }
    row.name += '!'
    return row
  },
  projects(row: Row<'description' | 'budget'>) {
    row.description ??= '-'
    row.budget = plusOne(row.budget)
    return row
  },
  tasks(row: Row<'title' | 'metadata' | 'estimate' | 'created_at' | 'updated_at'>) {
    row.title += '!'
    row.metadata = { ...row.metadata, moved: true }
    row.estimate = plusOne(row.estimate)
    row.updated_at ??= row.created_at
    return row
  },
  comments(row: Row<'body' | 'created_at' | 'edited_at'>) {
    row.body += '!'
    row.edited_at ??= row.created_at
    return row
  },
}

/** Copies every column, used or not, into a new object each time. */
function spread<T extends object>(transform: (row: T) => T): (row: T) => T {
  return (row) => transform({ ...row })
}

export function planOf(work: Work, target: TargetName): PlanInput {
  const compute = (name: keyof typeof expressions) =>
    Object.fromEntries(Object.entries(expressions[name]).map(([to, text]) => [to, { sql: text }]))
  const changed = (name: keyof typeof expressions) =>
    work === 'sql' ? { columns: { compute: compute(name) } } : {}
  const { users, projects, tasks, comments } = transforms
  const byJs = <T extends object>(transform: (row: T) => T) => {
    if (work === 'spread') return { transform: spread(transform) }
    return work.startsWith('js') ? { transform } : {}
  }
  const isOnline = work === 'online' || work === 'paced'
  const four = work.endsWith('×4')
  // The one worker runs four moves at once: by itself a tenant is to have room for two tables.
  const poolSize = four ? 8 : 16
  return definePlan({
    name: `${work.replace(' ×', '-')}-${target}`,
    concurrency: four ? 4 : 2,
    source: postgres({ urlFrom: 'SOURCE_URL', poolSize }),
    target: postgres({ urlFrom: `${target.toUpperCase()}_URL`, poolSize }),
    tenants: sql`select distinct tenant_id::text from users`,
    tables: [
      table('users', { ...changed('users'), ...byJs(users) }),
      table('projects', { ...changed('projects'), ...byJs(projects) }),
      table('tasks', { ...changed('tasks'), ...byJs(tasks) }),
      table('comments', { ...changed('comments'), ...byJs(comments) }),
    ],
    attempts: 1,
    ...(isOnline && { strategy: 'online' }),
    ...(work === 'paced' && { pace: {} }),
    pause: { budgetMs: isOnline ? 2_000 : 3_600_000 },
  })
}

export const plans: readonly PlanInput[] = works.flatMap((work) =>
  targets.map((target) => planOf(work, target)),
)
