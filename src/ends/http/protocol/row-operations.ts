/** The protocol's operations on a tenant's rows. Values are PostgreSQL's texts, null for NULL. */
import { z } from 'zod'
import { hashFunctions } from '../../digest.ts'
import { hold, tenantKey } from './flag-operations.ts'

export const name = z.string().min(1).max(63)
const texts = z.array(z.string().nullable())
export const count = z.int().min(0)
const digits = z.string().regex(/^-?\d+$/)

/** Reading such a value tells what there is at the end, and fails where there is not. */
const looksUp = /^_?(aclitem|reg(class|database|namespace|oper(ator)?|proc(edure)?|role))$/
/** `nchar` is what SQL calls `character` as well. */
const pads = /^_?(bpchar|n?char|character|bit)$/
const paddedMax = 10_000

/** Without schema, quotes, length and brackets. */
function baseOf(type: string): string {
  const plain = type.replace(/\(.*$|(\[\])+$/, '').replaceAll('"', '')
  return plain.slice(plain.lastIndexOf('.') + 1)
}

function padsMuch(type: string): boolean {
  const [, length = '0'] = /\(\s*(\d+)/.exec(type) ?? []
  return pads.test(baseOf(type)) && Number(length) > paddedMax
}

/**
 * A type as `format_type` or `pg_type.typname` writes it. It becomes a part of statements, so what
 * has several words is one of PostgreSQL's own: nothing else of a statement can be written in it.
 */
const intervalField = '(year|month|day|hour|minute|second)'
const severalWords = `(character|bit) varying|double precision|interval ${intervalField}( to ${intervalField})?`
const identifier = '([a-z_][a-z0-9_]*|"([^"\\u0000-\\u001f]|"")+")'
const modifier = '(\\(-?[A-Za-z0-9_]+(, ?-?[A-Za-z0-9_]+)*\\))?'
const oneType = `(${identifier}(\\.${identifier})?|${severalWords})${modifier}`
export const cast = z
  .string()
  .max(200)
  .regex(
    new RegExp(`^(${oneType}|time(stamp)?${modifier} with(out)? time zone)(\\[\\])*$`),
    'is no type',
  )
  .refine((type) => !looksUp.test(baseOf(type)), 'is a type whose values are looked up')
  .refine((type) => !padsMuch(type), `pads values to more than ${paddedMax} characters`)

/** Only rows that have these values in these columns. Asked only of an end that offers the feed. */
export const keyList = z.object({ columns: z.array(name).min(1), values: z.array(texts) })

const tableOf = { ...tenantKey, table: name, keys: keyList.optional() }

export const progress = z.object({
  rowsRead: count,
  rowsWritten: count,
  done: z.boolean(),
  cursor: z.string().max(100_000).nullable(),
})

const comparedColumn = z.object({
  /** A column of the table; for given rows the name that its values have. */
  column: name,
  /** The target's type with its schema, quoted. */
  type: z.string().max(200),
  /** Where the value has another type, length or precision. */
  cast: cast.nullable(),
})

const compared = z.object({
  scope: tenantKey.scope.optional(),
  table: name,
  tenant: tenantKey.tenant.optional(),
  keys: keyList.optional(),
  /** Instead of the tenant's: rows that are nowhere yet. */
  given: z.array(texts).optional(),
  key: z.array(comparedColumn),
  columns: z.array(comparedColumn).min(1),
  hash: z.enum(hashFunctions),
})

const sharedBatch = {
  table: name,
  key: z.array(name).min(1),
  columns: z.array(name).min(1),
  /** Columns that have to be equal. */
  compared: z.array(name),
  rows: z.array(texts),
  inserts: z.boolean(),
  updates: z.boolean(),
  /** Foreign keys and triggers may be off meanwhile. */
  replicate: z.boolean(),
  /** All of it is undone at the end, and references to these tables are not looked at. */
  takenBack: z.array(name).optional(),
}

const sharedRows = z.array(z.object({ key: z.string(), columns: z.array(z.string()) }))

const digest = z.object({ rows: digits, sum: digits })

/** The first line of a batch. The lines after it are rows: arrays of texts and nulls. */
export const batchHead = z.object({
  ...hold,
  epoch: z.uuid(),
  table: name,
  columns: z.array(name),
  /** Foreign keys and triggers may be off while it is written. */
  replicate: z.boolean(),
  /** The progress before this batch: another one would be a gap, or a repetition. */
  from: progress,
  progress,
  /** A row that collides with another, or comes before its parent, is left out and counted. */
  leavesOut: z.boolean().default(false),
  /** Rows that stay behind, kept in the same commit. */
  quarantined: z
    .array(
      z.object({
        key: z.string(),
        message: z.string(),
        row: z.record(z.string(), z.string().nullable()),
      }),
    )
    .default([]),
})

const operation = <Q extends z.ZodType, R extends z.ZodType>(
  summary: string,
  spec: { readonly request: Q; readonly result: R; readonly repeatable?: boolean },
) => ({ summary, repeatable: true, ...spec })

export const rowOperations = {
  count: operation('How many rows of the tenant a table has.', {
    request: z.object(tableOf),
    result: count,
  }),
  drain: operation('Waits until all writers that were in before the fence have ended.', {
    request: z.object({ tenant: tenantKey.tenant, drainMs: count }),
    result: z.object({ waitedMs: z.number() }),
  }),
  digest: operation('The number of rows and the sum of their hashes.', {
    request: compared,
    result: digest,
  }),
  buckets: operation('The same by 1,024 buckets of keys, without empty ones.', {
    request: compared,
    result: z.array(z.object({ bucket: count.max(1023), ...digest.shape })),
  }),
  hashes: operation('Keys and hashes of the rows in some buckets.', {
    request: z.object({ ...compared.shape, buckets: z.array(count.max(1023)) }),
    result: z.array(z.tuple([z.string(), digits])),
  }),
  remove: operation("Removes a batch of a closed tenant's rows, of tables without children left.", {
    request: z.object({
      ...hold,
      mode: z.enum(['receiving', 'moved']),
      tables: z.array(name).min(1),
      atOnce: z.boolean(),
      batchRows: z.int().min(1),
    }),
    result: count,
  }),
  readProgress: operation('How far the tables have come under this epoch.', {
    request: z.object({ ...tenantKey, epoch: z.uuid() }),
    result: z.array(z.object({ table: name, ...progress.shape })),
  }),
  readQuarantined: operation('Rows that stayed behind under this epoch.', {
    request: z.object({ ...tenantKey, epoch: z.uuid() }),
    result: z.array(z.object({ table: name, key: z.string(), message: z.string() })),
  }),
  forgetProgress: operation('Forgets both.', { request: z.object(hold), result: z.null() }),
  repeatedKeys: operation('Keys that rows of the tenant share, or lack.', {
    request: z.object({ ...tableOf, key: z.array(name).min(1) }),
    result: z.array(z.string()),
  }),
  isEmpty: operation('Whether a table has no rows at all.', {
    request: z.object({ table: name }),
    result: z.boolean(),
  }),
  existingKeys: operation('Those among the keys that rows have, whosever they are.', {
    request: z.object({ table: name, key: z.array(name).min(1), keys: z.array(texts) }),
    result: z.array(z.string()),
  }),
  brokenReferences: operation('Foreign keys that rows of the tenant break.', {
    request: z.object(tableOf),
    result: z.array(z.object({ foreignKey: z.string(), rows: count, values: z.array(z.string()) })),
  }),
  differingShared: operation('Rows of everybody that are there and differ.', {
    request: z.object(sharedBatch),
    result: sharedRows,
  }),
  settleShared: operation('Brings rows of everybody that the tenant needs, in one commit.', {
    request: z.object({ ...hold, ...sharedBatch }),
    result: z.object({
      inserted: count,
      updated: count,
      missing: z.array(z.string()),
      differing: sharedRows,
      broken: z.array(z.string()),
    }),
  }),
  strays: operation("Rows that refer to the tenant's and are not found among them, by key.", {
    request: z.object(tenantKey),
    result: z.array(
      z.object({
        table: z.string(),
        foreignKey: z.string(),
        parent: z.string(),
        rows: count,
        values: z.array(z.string()),
        planned: z.boolean(),
        /** The end itself has been configured to leave them behind. */
        left: z.boolean().optional(),
      }),
    ),
  }),
  largestId: operation("The largest id of the tenant's rows, or the smallest.", {
    request: z.object({ ...tableOf, column: name, descending: z.boolean().default(false) }),
    result: digits.nullable(),
  }),
  positionOf: operation('Where a sequence stands.', {
    request: z.object({ sequence: z.string() }),
    result: digits,
  }),
  advanceSequence: operation('Brings a sequence past an id. false: it was there already.', {
    request: z.object({ sequence: z.string(), id: digits }),
    result: z.boolean(),
  }),
  knownTenants: operation('Ids as the tenant column writes them, and whether they have rows.', {
    request: z.object({ tenants: z.array(z.string()) }),
    result: z.array(z.object({ tenant: z.string(), hasRows: z.boolean() })),
  }),
}

/** Rows as lines of JSON: what is asked for, and what follows the last row. */
export const readOperation = {
  summary: "Reads a page of the tenant's rows, in the order of the table's key.",
  repeatable: true,
  request: z.object({
    ...tableOf,
    columns: z.array(z.object({ column: name, cast: cast.nullable() })).min(1),
    cursor: z.string().max(100_000).nullable(),
    limit: z.int().min(1).max(100_000),
  }),
  /** Absent: the page has been cut off. */
  last: z.object({ next: z.string().nullable() }),
}

export const writeOperation = {
  summary: 'Writes a batch of rows and its progress in one commit, once however often it comes.',
  repeatable: true,
  result: z.object({ repeated: z.boolean(), leftOut: count.optional() }),
}
