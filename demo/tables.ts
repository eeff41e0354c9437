/**
 * The tables of a task tracker, and what becomes of them in its new data model, there and back.
 *
 * Most go as they are. `projects` changes in SQL, `tasks` and `attachments` in JavaScript.
 * Invariant: a table that is not named here has no row of a tenant that must move.
 */
import { createHash } from 'node:crypto'
import { sql, table } from 'rehome'
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

type NewTaskRow = ReturnType<typeof toNewTask> & { closed?: boolean }

/** The first of the old states that becomes the new one; what was not changed keeps its own. */
function toOldTask(row: NewTaskRow): TaskRow {
  const {
    state,
    resolution,
    urgent,
    labels,
    origin,
    estimate_minutes: minutes,
    closed,
    ...same
  } = row
  return {
    ...same,
    status: resolution ?? (state === 'open' ? 'todo' : 'doing'),
    priority: urgent ? 1 : 3,
    tags: labels,
    details: origin ?? {},
    estimate_hours: minutes === null ? null : (minutes / 60).toFixed(2),
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

function toOldAttachment({ sha256, ...row }: AttachmentRow & { sha256: Buffer }): AttachmentRow {
  return row
}

export const tables = [
  table('tenants', { tenant: 'id' }),
  table('users'),
  table('projects', {
    columns: {
      rename: { name: 'title' },
      compute: { budget_cents: sql`(r.budget * 100)::bigint` },
      drop: ['budget', 'legacy_color'],
    },
  }),
  table('tasks', {
    row: taskRow,
    transform: toNewTask,
    invert: toOldTask,
    columns: { drop: ['done'] },
  }),
  table('checklist_items', { through: 'task_id' }),
  table('comments'),
  table('attachments', { transform: toNewAttachment, invert: toOldAttachment }),
  table('activity'),
]
