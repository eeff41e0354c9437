/**
 * Where a tenant lives, and work that goes on there while tenants move.
 *
 * The flags of the databases tell it: a home that a tenant has left tells the next one. What was
 * seen is remembered, doubted as soon as the database tells of a change or refuses a write, and
 * asked for again after a while, as a notification can be lost. Nothing here keeps a write out: the
 * database does that.
 */
import { now, sleep } from '../clock.ts'
import { durationMs } from '../duration.ts'
import { RehomeError } from '../errors.ts'
import { isInBackground } from './background.ts'
import { type DatabasesOptions, type KnownHomes, withDatabases } from './databases.ts'
import type { Fence } from './fence.ts'
import { wholeApplication } from './flags.ts'
import { follow, type Known } from './follow.ts'
import { holdMsOf } from './hold.ts'
import { type Home, type HomeOptions, homeOf, type KnownHome } from './home.ts'
import { createListeners } from './listeners.ts'
import { createMemory, type Memory } from './memory.ts'
import { fenceOf, isSerializationFailure } from './tenant-fenced.ts'
import { TenantReadOnlyError } from './tenant-read-only-error.ts'
import { createWaiting, type Waiting } from './waiting.ts'
import { within } from './within.ts'

export interface HomesOptions<Db> {
  /** Homes by names of the application's own. */
  readonly homes?: Readonly<Record<string, HomeOptions<Db>>>
  /** Databases of single tenants, by their places. They are not listened to. */
  readonly databases?: DatabasesOptions<Db>
  /** Where a tenant has lived before any move. Default: at the first of the homes. */
  readonly first?: string | ((tenant: string) => string)
  /** How long work that was refused waits for the tenant. Default `5s`; 0: it does not. */
  readonly hold?: string | number
  /** How many may wait at once, for all tenants together. Default 1,000. */
  readonly waiters?: number
  /**
   * How old knowledge may be: so long reads may go on at a home that the tenant has left.
   * `heard` (default `30s`) where changes are heard of, `unheard` (default `1s`) where not.
   */
  readonly stale?: { readonly heard?: string; readonly unheard?: string }
  /** The number of tenants whose home is remembered. Default 10,000. */
  readonly tenants?: number
  /** Hear of changes, by a connection of its own to each home. Default true. */
  readonly listen?: boolean
}

export interface RunOptions {
  /** Instead of what holds for all. */
  readonly hold?: string | number
  readonly signal?: AbortSignal
}

export interface Homes<Db> {
  /**
   * Where the tenant lives. Writes may be refused there just now. Throws SETTING_MISSING where it
   * has moved to a place that none of the homes has, and what the database throws.
   */
  of(tenant: string): Promise<Home<Db>>
  /**
   * Runs the work at the tenant's home. Where that refuses it, as the tenant is fenced or has
   * moved, waits and runs it again, at the new home: so it has to be work that may begin anew, as a
   * transaction does, without effects beside it. Serialization failures are tried again 3 times.
   * Throws what the work throws, and TenantReadOnlyError where it was refused until the time was
   * over, or too many were waiting.
   */
  run<T>(
    tenant: string,
    work: (db: Db, home: Home<Db>) => Promise<T>,
    options?: RunOptions,
  ): Promise<T>
  /** The fence that refuses the tenant's writes just now; null: none, as far as is known. */
  look(tenant: string): Promise<Fence | null>
  /**
   * false: not within `ms` (default: `hold`), or its end is unknown, or too many are waiting, or it
   * was aborted. Never throws.
   */
  untilWritable(tenant: string, options?: UntilOptions): Promise<boolean>
  /** Changes are heard of, from every home. false with `databases`: they are not listened to. */
  isListening(): boolean
  /** Ends its own connections; the pools are the application's. */
  close(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

export interface UntilOptions {
  readonly ms?: number
  readonly signal?: AbortSignal
}

/** Throws USAGE for invalid options. Sends no query yet. */
export function createHomes<Db>(options: HomesOptions<Db>): Homes<Db> {
  const entries = Object.entries(options.homes ?? {})
  const listed = new Map(entries.map(([name, home]) => [name, homeOf(name, home)]))
  const databases = options.databases && withDatabases(listed, options.databases)
  const homes: KnownHomes<Db> = databases ?? listed
  const firstOf = firstHome({ homes, listed }, options.first)
  const holdMs = holdMsOf(options.hold ?? '5s')
  const { heard = '30s', unheard = '1s' } = options.stale ?? {}
  const [heardMs, unheardMs] = [durationMs(heard), durationMs(unheard)]
  const waiting = createWaiting(options.waiters ?? 1_000)
  const ask = async (tenant: string, before: Known<Db> | undefined) => {
    const from = before?.home ?? firstOf(tenant)
    const what = ` where tenant ${JSON.stringify(tenant)} lives`
    return await within(answerMs, follow(homes, tenant, from), what)
  }
  const memory = createMemory(ask, options.tenants ?? 10_000)
  const listeners = createListeners(listed, (tenantHash) => {
    const tenant = tenantHash === null ? null : memory.tenantOf(tenantHash)
    // This tenant has not been asked for here, so nothing is remembered of it.
    if (tenant === undefined) return
    memory.invalidate(tenant)
    waiting.wake(tenant)
  })
  const locate = (tenant: string) => {
    if (options.listen !== false) listeners.begin()
    // No notification is sent when a lease expires.
    return memory.get(tenant, ({ home, fence }) =>
      listeners.hears(home.name) && !fence ? heardMs : unheardMs,
    )
  }
  const at = { homes, memory, waiting, locate }
  const close = async () => {
    await listeners.close()
    await databases?.close()
  }
  return {
    of: async (tenant) => handed((await locate(tenant)).home, tenant),
    run: (tenant, work, { hold, signal } = {}) => {
      const own = isInBackground() ? 0 : holdMs
      const deadline = now() + (hold === undefined ? own : holdMsOf(hold))
      return runAt(at, work, { tenant, deadline, signal })
    },
    look: async (tenant) => (await locate(tenant)).fence,
    async untilWritable(tenant, { ms = holdMs, signal } = {}) {
      return await untilWritable(at, { tenant, deadline: now() + ms, signal })
    },
    isListening: () => !databases && listeners.hearsAll(),
    close,
    [Symbol.asyncDispose]: close,
  }
}

function firstHome<Db>(
  { homes, listed }: { homes: KnownHomes<Db>; listed: ReadonlyMap<string, KnownHome<Db>> },
  first: HomesOptions<Db>['first'] = [...listed.keys()][0],
): (tenant: string) => KnownHome<Db> {
  const named = (name: string | undefined) => {
    const home = name === undefined ? undefined : homes.get(name)
    if (home) return home
    const nameList = [...listed.keys()].map((key) => `"${key}"`).join(', ')
    throw new RehomeError(
      'USAGE',
      `"${name}" is none of the homes: ${nameList || 'there are none'}`,
    )
  }
  if (typeof first === 'function') return (tenant) => named(first(tenant))
  const home = named(first)
  return () => home
}

function handed<Db>({ name, db, schema }: KnownHome<Db>, tenant: string): Home<Db> {
  const own = typeof schema === 'function' ? schema(tenant) : schema
  return { name, db, ...(own !== undefined && { schema: own }) }
}

interface At<Db> {
  readonly homes: KnownHomes<Db>
  readonly memory: Memory<Known<Db>>
  readonly waiting: Waiting
  readonly locate: (tenant: string) => Promise<Known<Db>>
}

interface Until {
  readonly tenant: string
  readonly deadline: number
  readonly signal: AbortSignal | undefined
}

/** Flags are a matter of milliseconds. Who does not get at them so long has another trouble. */
const answerMs = 2_000
const conflictsMax = 3

async function runAt<Db, T>(
  at: At<Db>,
  work: (db: Db, home: Home<Db>) => Promise<T>,
  until: Until,
): Promise<T> {
  const { tenant, signal } = until
  for (let [conflicts, refusals] = [0, 0]; ; ) {
    signal?.throwIfAborted()
    const { home } = await at.locate(tenant).catch((error: unknown) => {
      const last = at.memory.last(tenant)
      // A write at the wrong home is refused there.
      if (last) return last
      throw error
    })
    const began = now()
    const leave = home.use?.()
    try {
      const own = handed(home, tenant)
      return await work(own.db, own)
    } catch (error) {
      const fence = fenceOf(error)
      if (fence && isAbout(fence, tenant, home)) {
        refusals += 1
        await afterRefusal(at, until, { error, fence, home, began, refusals })
        continue
      }
      if (!isSerializationFailure(error) || conflicts++ >= conflictsMax) throw error
      at.memory.invalidate(tenant)
      await sleep(Math.random() * 20 * 2 ** conflicts, signal)
    } finally {
      leave?.()
    }
  }
}

interface Refusal<Db> {
  readonly error: unknown
  readonly fence: Fence
  readonly home: KnownHome<Db>
  /** When the work was. */
  readonly began: number
  /** The number of refusals, with this one. */
  readonly refusals: number
}

/** Resolves when it is worth trying again. Throws TenantReadOnlyError, or why it was aborted. */
async function afterRefusal<Db>(at: At<Db>, until: Until, refusal: Refusal<Db>): Promise<void> {
  const { tenant, signal } = until
  const { error, fence, home, began, refusals } = refusal
  // What was known is too old, but many may be refused at once, and need not all ask. Where flags
  // cannot be asked for, what refused it is enough to wait for.
  const next = await at.memory
    .get(tenant, (state) => (state.fence ? now() - began : -1))
    .catch(() => null)
  const isOpen = next !== null && next.home !== home && !next.fence
  const follows = isOpen && refusals <= at.homes.size
  if (!follows && !(await untilWritable(at, until))) {
    signal?.throwIfAborted()
    throw new TenantReadOnlyError(next?.fence ?? fence, { cause: error })
  }
  // Should flags and guards differ, the database is not to be flooded.
  if (refusals > 2) await at.waiting.sleep(tenant, { ms: 5 * refusals, signal })
}

/**
 * false: work for one tenant was refused because it writes another one's rows. It is not waited
 * for.
 */
function isAbout(fence: Fence, tenant: string, home: KnownHome<unknown>): boolean {
  return fence.scope === home.scope && [tenant, wholeApplication].includes(fence.tenant)
}

const lookEveryMs = { least: 20, most: 250 }

async function untilWritable<Db>(
  { memory, waiting }: At<Db>,
  { tenant, deadline, signal }: Until,
): Promise<boolean> {
  if (now() >= deadline || !waiting.enter()) return false
  try {
    for (let ms = lookEveryMs.least; ; ms = Math.min(ms * 1.5, lookEveryMs.most)) {
      const looked = now()
      // Those who wait share what the first of them has seen.
      const look = memory.get(tenant, () => ms / 2)
      const state = await within(Math.max(1, deadline - looked), look).catch(() => null)
      if (state && !state.fence) return true
      const leftMs = deadline - now()
      if (state?.fence?.indefinite || leftMs <= 0 || signal?.aborted) return false
      await waiting.sleep(tenant, { ms: Math.min(ms, leftMs), signal })
      // A flood of notifications must not become a flood of queries.
      const soonMs = lookEveryMs.least / 2 - (now() - looked)
      if (soonMs > 0) await sleep(soonMs)
    }
  } finally {
    waiting.leave()
  }
}
