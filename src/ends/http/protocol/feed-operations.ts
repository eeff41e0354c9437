/**
 * The protocol's operations on changes, for ends that offer a feed of them. A position is the end's
 * own word for a moment.
 */
import { z } from 'zod'
import { hold, tenantKey } from './flag-operations.ts'
import { cast, count, keyList, name } from './row-operations.ts'

const position = z.string().max(100_000)
const checkpointHold = { ...hold, epoch: z.uuid() }
const step = z.int().min(1)
const since = { ...tenantKey, position: position.nullable(), everyChild: z.boolean() }

const checkpoint = z.object({
  position: position.nullable(),
  fingerprint: z.string().max(200),
  lacking: z.boolean(),
  step,
})

const operation = <Q extends z.ZodType, R extends z.ZodType>(
  summary: string,
  spec: { readonly request: Q; readonly result: R; readonly repeatable?: boolean },
) => ({ summary, repeatable: true, ...spec })

export const feedOperations = {
  position: operation('The moment: what commits later has changed since then.', {
    request: z.object(tenantKey),
    result: position,
  }),
  waitForWriters: operation('Waits for those who write now, without keeping anybody out.', {
    request: z.object({ tenant: tenantKey.tenant, drainMs: count }),
    result: z.object({ waitedMs: z.number() }),
  }),
  countChanges: operation('How many changes the log has, by table.', {
    request: z.object(since),
    result: z.array(z.object({ table: name, changes: count })),
  }),
  forgetChanges: operation('Empties the log, up to a position.', {
    request: z.object({ ...hold, position: position.nullable() }),
    result: z.null(),
  }),
  readCheckpoint: operation(
    'How far this end has come under this epoch. null: nothing was copied.',
    {
      request: z.object({ ...tenantKey, epoch: z.uuid() }),
      result: checkpoint.nullable(),
    },
  ),
  writeCheckpoint: operation(
    'The step after which this end has what the other had at a position.',
    {
      request: z.object({ ...checkpointHold, ...checkpoint.shape }),
      result: z.null(),
    },
  ),
  forgetCheckpoint: operation('Forgets how far this end has come.', {
    request: z.object(checkpointHold),
    result: z.null(),
  }),
  brokenByLeaving: operation('Rows of anybody that refer to such of these keys as are gone.', {
    request: z.object({ table: name, keys: keyList }),
    result: z.array(z.object({ foreignKey: z.string(), rows: count })),
  }),
}

/** Rows as lines of JSON, with `t` or `f` behind each: whether its children have changed, too. */
export const changesOperation = {
  summary: 'Reads a page of rows that have changed, as they were or as they are.',
  repeatable: true,
  request: z.object({
    ...since,
    table: name,
    kind: z.enum(['before', 'now']),
    columns: z.array(z.object({ column: name, cast: cast.nullable() })),
    cursor: z.string().max(100_000).nullable(),
    limit: z.int().min(1).max(100_000),
  }),
}

/** The first line of a step: so many lines of keys, of keys of parents, and then rows follow. */
export const applyHead = z.object({
  ...checkpointHold,
  step,
  table: name,
  key: z.array(name).min(1),
  removes: count,
  parentColumns: z.array(name),
  parents: count,
  columns: z.array(name),
  keep: z.array(name),
  undone: z.boolean(),
})

export const applyOperation = {
  summary: 'Removes rows and writes others in one commit, once however often it comes.',
  repeatable: true,
  result: z.object({
    removed: count,
    brought: count,
    collided: z.array(count),
    orphaned: z.array(count),
  }),
}
