/**
 * The protocol's operations on flags: one for each transition of a tenant's flag. What each does,
 * and under which condition, is in docs/http.md and in postgres/fence/.
 */
import { z } from 'zod'

const tenantOrAll = {
  scope: z.string().min(1).max(64),
  tenant: z.string().min(1).max(1024),
}
export const tenantKey = {
  scope: tenantOrAll.scope,
  /** Never `*`: the whole application is made read-only in its database, by a person. */
  tenant: z
    .string()
    .min(1)
    .max(1024)
    .refine((tenant) => tenant !== '*', '"*" stands for the whole application, and is no tenant'),
}
export const hold = { ...tenantKey, token: z.uuid() }

const dayMs = 24 * 3600 * 1000
/** A plan's lease is a day at most; a capture that waits for an attempt takes a little more. */
const leaseMs = z
  .int()
  .min(1)
  .max(2 * dayMs)
/** The longest rollback window of a plan. */
const captureMs = z
  .int()
  .min(1)
  .max(90 * dayMs)
const mode = z.enum(['capturing', 'read_only', 'receiving', 'moved'])
/** At most 10^15, as the flags' schema has it. */
const turn = z.string().regex(/^[1-9]\d{0,14}$|^10{15}$/)

export const flag = z.object({
  mode,
  token: z.uuid(),
  epoch: z.uuid(),
  moveId: z.uuid(),
  movedTo: z.string().nullable(),
  rowsAreOurs: z.boolean(),
  lapsed: z.boolean(),
  captureUntil: z.iso
    .datetime()
    .nullable()
    .transform((text) => (text === null ? null : new Date(text))),
  inWindow: z.boolean(),
  heldMs: z.number(),
})

const raise = z.object({
  ...hold,
  epoch: z.uuid(),
  moveId: z.uuid(),
  reason: z.string().max(200),
  retryAfterS: z.int().min(1).max(3600),
  leaseMs,
})
const continued = z.object({ ...hold, moveId: z.uuid(), epoch: z.uuid(), leaseMs })
const keyed = z.object({ tenant: z.string(), key: z.uuid() })
const changed = z.boolean()
const flagOrNone = flag.nullable()

/** `repeatable`: twice is as good as once, so that a lost answer may be asked for again. */
const operation = <Q extends z.ZodType, R extends z.ZodType>(
  summary: string,
  spec: { readonly request: Q; readonly result: R; readonly repeatable?: boolean },
) => ({ summary, repeatable: false, ...spec })

export const flagOperations = {
  answer: operation('Answers that the end is there.', {
    request: z.object({}),
    result: z.null(),
    repeatable: true,
  }),
  takeTurn: operation(
    'Makes every attempt with a lower number powerless here. false: a later one has been here.',
    { request: z.object({ ...hold, turn }), result: changed, repeatable: true },
  ),
  readFlag: operation("Reads a tenant's flag. null: the tenant is read-write.", {
    request: z.object(tenantOrAll),
    result: flagOrNone,
    repeatable: true,
  }),
  raiseFence: operation("Refuses the tenant's writes from now on. null: another's flag is there.", {
    request: raise,
    result: flagOrNone,
    repeatable: true,
  }),
  startCapture: operation("Logs the tenant's changes from now on. null: another's flag is there.", {
    request: raise,
    result: flagOrNone,
    repeatable: true,
  }),
  fenceCaptured: operation('Refuses the writes of a tenant whose changes were logged until now.', {
    request: z.object({ ...hold, epoch: z.uuid(), leaseMs }),
    result: flagOrNone,
    repeatable: true,
  }),
  lowerToCapture: operation('Writes go on, and are logged.', {
    request: z.object({ ...hold, leaseMs }),
    result: changed,
    repeatable: true,
  }),
  adoptCapture: operation(
    'A later errand of the same move uses what was logged since the capture.',
    {
      request: continued,
      result: changed,
      repeatable: true,
    },
  ),
  endCapture: operation('Ends the rollback window: the tenant cannot be brought back afterwards.', {
    request: z.object({ ...hold, moveId: z.uuid() }),
    result: changed,
    repeatable: true,
  }),
  claimTarget: operation('Closes the end that is about to receive the tenant.', {
    request: z.object({
      ...raise.omit({ leaseMs: true }).shape,
      ours: z.array(z.uuid()),
      captureMs: captureMs.nullish(),
    }),
    result: flagOrNone,
    repeatable: true,
  }),
  markRowsOurs: operation('The closed end was found empty: whatever comes may be removed.', {
    request: z.object(hold),
    result: changed,
    repeatable: true,
  }),
  takeOver: operation('A new attempt goes on under the flag of the one before.', {
    request: continued,
    result: flagOrNone,
    repeatable: true,
  }),
  adopt: operation('A later errand of the same move goes on with what it left behind.', {
    request: z.object({ ...hold, moveId: z.uuid(), mode }),
    result: changed,
    repeatable: true,
  }),
  letOpen: operation('Allows a caller with the key to open this end, which is closed as `moved`.', {
    request: z.object({ ...hold, key: z.uuid() }),
    result: changed,
    repeatable: true,
  }),
  renewLease: operation('Renews the lease. false: it had lapsed and a writer ended it.', {
    request: z.object({ ...hold, leaseMs }),
    result: changed,
    repeatable: true,
  }),
  markMoved: operation('The one commit after which the other end is the truth.', {
    request: z.object({ ...hold, movedTo: z.string().max(500) }),
    result: flagOrNone,
  }),
  lowerFence: operation("Ends what this attempt has raised: the tenant's writes go on.", {
    request: z.object(hold),
    result: changed,
  }),
  openReceived: operation('Opens the end that has received the tenant.', {
    request: z.object(hold),
    result: changed,
  }),
  removeFlag: operation('Opens the end, whose flag has this mode.', {
    request: z.object({ ...hold, mode }),
    result: changed,
  }),
  giveUpTarget: operation('Gives up what claimTarget has claimed.', {
    request: z.object(hold),
    result: changed,
  }),
  lapsedFences: operation('Tenants whose lease is over.', {
    request: z.object({ scope: tenantKey.scope }),
    result: z.array(z.string()),
    repeatable: true,
  }),
  // Also when the time is over for which a person has made the whole application read-only.
  lowerLapsed: operation('Does what the first writer would do. false: nothing had lapsed.', {
    request: z.object(tenantOrAll),
    result: changed,
    repeatable: true,
  }),
  closedTenants: operation('Closed tenants, and the keys that would open them.', {
    request: z.object({ scope: tenantKey.scope }),
    result: z.array(keyed),
    repeatable: true,
  }),
  givenAway: operation('Those among them that this end has given away for good.', {
    request: z.object({ scope: tenantKey.scope, closed: z.array(keyed) }),
    result: z.array(keyed),
    repeatable: true,
  }),
  openWith: operation('Opens a closed end by its key. true: this request did.', {
    request: z.object({ ...tenantKey, key: z.uuid() }),
    result: z.boolean(),
    repeatable: true,
  }),
}
