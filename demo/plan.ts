/**
 * The plan of the demonstration: tenants of a task tracker move to a new database with a new data
 * model.
 *
 * Most tables go as they are. `projects` changes in SQL, `tasks` and `attachments` in JavaScript.
 * Invariant: a table that is not named here has no row of a tenant that ought to move.
 */
import { createHash } from 'node:crypto'
import { definePlan, postgres, sql, table } from 'rehome'
import { z } from 'zod'

/**
 * numeric, date and timestamptz come as PostgreSQL's text, bigint as a bigint: nothing is rounded.
 */
const taskRow = z.object({
  id: z.bigint(),
  tenant_id: z.string(),
  project_id: z.bigint(),
  parent_id: z.bigint().nullable(),
  assignee_id: z.guid().nullable(),
  title: z.string(),
  body: z.string().nullable(),
  status: z.enum(['todo', 'doing', 'review', 'done', 'dropped']),
  priority: z.number(),
  details: z.object({
    via: z.string().optional(),
    from: z.string().optional(),
    labels: z.array(z.string()).optional(),
  }),
  custom: z.unknown(),
  estimate_hours: z.string().nullable(),
  due_on: z.string().nullable(),
  tags: z.array(z.string()),
  reminder_days: z.array(z.unknown()).nullable(),
  flagged: z.boolean(),
  edits: z.number(),
  request_id: z.guid().nullable(),
  created_at: z.string(),
  updated_at: z.string(),
})

type TaskRow = z.infer<typeof taskRow>

const states = {
  todo: { state: 'open', resolution: null },
  doing: { state: 'active', resolution: null },
  review: { state: 'active', resolution: null },
  done: { state: 'closed', resolution: 'done' },
  dropped: { state: 'closed', resolution: 'dropped' },
} as const

function toNewTask(row: TaskRow) {
  const { status, priority, details, tags, estimate_hours: hours, ...same } = row
  const { labels = [], ...origin } = details
  return {
    ...same,
    ...states[status],
    urgent: priority === 1,
    labels: [...new Set([...tags, ...labels])],
    origin: Object.keys(origin).length > 0 ? origin : null,
    estimate_minutes: hours === null ? null : Math.round(Number(hours) * 60),
  }
}

interface AttachmentRow {
  id: string
  tenant_id: string
  task_id: bigint
  file_name: string
  content: Buffer
  uploaded_at: string
}

/** Uploads that broke off left empty attachments: they stay behind. */
function toNewAttachment(row: AttachmentRow) {
  if (row.content.length === 0) return null
  return { ...row, sha256: createHash('sha256').update(row.content).digest() }
}

export default definePlan({
  name: 'tracker',
  source: postgres({ urlFrom: 'SOURCE_URL' }),
  target: postgres({ urlFrom: 'TARGET_URL' }),
  tenants: sql`select id from tenants order by created_at`,
  tables: [
    table('tenants', { tenant: 'id' }),
    table('users'),
    table('projects', {
      columns: {
        rename: { name: 'title' },
        compute: { budget_cents: sql`(r.budget * 100)::bigint` },
        drop: ['budget', 'legacy_color'],
      },
    }),
    table('tasks', { row: taskRow, transform: toNewTask, columns: { drop: ['done'] } }),
    table('checklist_items', { through: 'task_id' }),
    table('comments'),
    table('attachments', { transform: toNewAttachment }),
    table('activity'),
  ],
  // Who signed in when is kept by law, where it was recorded.
  exclude: ['sign_ins'],
  chunkRows: 5_000,
})
