/**
 * The application's writes in SQL, as its code has to know them for both data models.
 *
 * They run in a transaction that somebody else begins and commits (transact.ts).
 * Invariant: each row made holds the write's id, and a write makes all of its rows or fails.
 */
import type { ClientBase } from 'pg'
import type { EndName, Write, WriteKind } from './ledger.ts'

/** Which rows with its id a write leaves. */
export const rowsOf: Readonly<Record<WriteKind, readonly string[]>> = {
  comment: ['comments'],
  edit: ['activity'],
  task: ['tasks', 'checklist_items'],
  erase: [],
}

/** A row that the application knows of is not there. */
export class RowMissing extends Error {
  readonly code = 'ROW_MISSING'
}

export interface Place {
  readonly client: ClientBase
  readonly end: EndName
  /** Called between two statements, where an application would be busy with something else. */
  readonly think: () => Promise<void>
}

type Performer = (place: Place, write: Write) => Promise<void>

export const perform: Readonly<Record<WriteKind, Performer>> = {
  comment: insertComment,
  edit: editTask,
  task: insertTask,
  erase,
}

async function insertComment({ client, think }: Place, write: Write): Promise<void> {
  const insert = `insert into comments (tenant_id, task_id, body, request_id)
    values ($1, $2, $3, $4)`
  await client.query(insert, [write.tenant, write.task, `Done? 👍 it's \\${write.id}`, write.id])
  await think()
}

async function editTask({ client, think }: Place, write: Write): Promise<void> {
  const note = `insert into activity (tenant_id, verb, subject, amount, request_id)
    values ($1, 'edited', json_build_object('task', $2::text), 0.10, $3)`
  await client.query(note, [write.tenant, write.task, write.id])
  await think()
  const edit = `update tasks set edits = edits + 1, updated_at = clock_timestamp()
    where tenant_id = $1 and id = $2`
  expectOne(await client.query(edit, [write.tenant, write.task]), `task ${write.task}`)
}

const insertTaskAt: Readonly<Record<EndName, string>> = {
  source: `insert into tasks (tenant_id, project_id, parent_id, title, request_id, status, details)
    select tenant_id, project_id, id, $3, $4, 'doing', '{"via": "app"}'
    from tasks where tenant_id = $1 and id = $2 returning id`,
  target: `insert into tasks (tenant_id, project_id, parent_id, title, request_id, state, origin)
    select tenant_id, project_id, id, $3, $4, 'active', '{"via": "app"}'
    from tasks where tenant_id = $1 and id = $2 returning id`,
}

async function insertTask({ client, end, think }: Place, write: Write): Promise<void> {
  const values = [write.tenant, write.task, `New: "${write.id}"`, write.id]
  const made = await client.query<{ id: string }>(insertTaskAt[end], values)
  expectOne(made, `task ${write.task}`)
  await think()
  const item = `insert into checklist_items (task_id, position, label, request_id)
    values ($1, 1, 'Begin', $2)`
  await client.query(item, [made.rows[0]?.id, write.id])
}

async function erase({ client, think }: Place, write: Write): Promise<void> {
  const table = write.erases?.kind === 'task' ? 'tasks' : 'comments'
  const remove = `delete from ${table} where tenant_id = $1 and request_id = $2`
  const values = [write.tenant, write.erases?.id]
  expectOne(await client.query(remove, values), `row of ${table}`)
  await think()
}

function expectOne(result: { rowCount: number | null }, what: string): void {
  if (result.rowCount !== 1) throw new RowMissing(`${what} was met ${result.rowCount} times`)
}
