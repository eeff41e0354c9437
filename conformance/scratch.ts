/**
 * The scratch tenant: attempts at it, as workers make them, and the way back to nothing. What is
 * removed there carries the tenant, and is removed only where there was nothing before.
 */
import { randomUUID } from 'node:crypto'
import type { Flag } from '../src/ends/flags.ts'
import { Broken, expectThat, Skipped } from './point.ts'
import type { Subject } from './subject.ts'

export interface Hold {
  readonly scope: string
  readonly tenant: string
  readonly token: string
}

export interface Attempt {
  readonly hold: Hold
  readonly moveId: string
  readonly epoch: string
}

let lastTurn = 0n

/** Higher than all before it, also those of earlier runs. */
export function nextTurn(): bigint {
  const now = BigInt(Date.now())
  lastTurn = now > lastTurn ? now : lastTurn + 1n
  return lastTurn
}

/** Takes the turn for a new attempt. */
export async function attempt(end: Subject, of: Partial<Attempt> = {}): Promise<Attempt> {
  const { scope, scratch: tenant } = end
  const made = { moveId: randomUUID(), epoch: randomUUID(), ...of }
  const hold = of.hold ?? { scope, tenant, token: randomUUID() }
  const taken = await end.ask('takeTurn', { ...hold, turn: String(nextTurn()) })
  expectThat(taken, () => 'takeTurn: a number higher than all before it was refused')
  return { ...made, hold }
}

export async function flagOf(end: Subject): Promise<Flag | null> {
  return await end.ask('readFlag', { scope: end.scope, tenant: end.scratch })
}

export async function raise(
  end: Subject,
  { hold, moveId, epoch }: Attempt,
  leaseMs = 60_000,
): Promise<Flag | null> {
  const said = { reason: 'conformance', retryAfterS: 1, leaseMs }
  return await end.ask('raiseFence', { ...hold, moveId, epoch, ...said })
}

export async function claim(
  end: Subject,
  { hold, moveId, epoch, captureMs = null }: Attempt & { readonly captureMs?: number | null },
  ours: readonly string[] = [],
): Promise<Flag | null> {
  const said = { reason: 'conformance', retryAfterS: 1, captureMs, ours: [...ours] }
  return await end.ask('claimTarget', { ...hold, moveId, epoch, ...said })
}

type Check = (end: Subject) => Promise<void>

/** Runs a check of flags that begins and ends without one. */
export function onScratch(work: Check): Check {
  return restoring(work, async () => [])
}

/** Wraps a check of rows, which begins and ends without any. */
export function onScratchRows(work: Check): Check {
  return restoring(work, tableNames)
}

function restoring(work: Check, tables: (end: Subject) => Promise<string[]>): Check {
  return async (end) => {
    const names = await tables(end)
    await restore(end, names)
    try {
      await work(end)
    } finally {
      await restore(end, names)
    }
  }
}

async function tableNames(end: Subject): Promise<string[]> {
  return (await end.describe()).tables.map(({ name }) => name)
}

/** Why the tenant cannot be one; null: it can, or none was named. */
export async function unfitScratch(end: Subject): Promise<string | null> {
  const scratch = scratchOf(end)
  if (scratch === null) return null
  if (scratch === tenantOf(end)) return '--scratch has to be another tenant than --tenant'
  if ((await flagOf(end)) !== null) return `--scratch: "${scratch}" has a flag already`
  const table = await tableWithRows(end, await tableNames(end))
  return table === null ? null : `--scratch: "${scratch}" has rows in "${table}" already`
}

function scratchOf(end: Subject): string | null {
  try {
    return end.scratch
  } catch {
    return null
  }
}

function tenantOf(end: Subject): string | null {
  try {
    return end.tenant
  } catch {
    return null
  }
}

async function tableWithRows(end: Subject, tables: readonly string[]): Promise<string | null> {
  const { scope, scratch: tenant } = end
  for (const name of tables) {
    if ((await end.ask('count', { scope, tenant, table: name })) > 0) return name
  }
  return null
}

/** `tables`: where it may have rows. Throws Broken where it cannot be brought back. */
export async function restore(end: Subject, tables?: readonly string[]): Promise<void> {
  if (scratchOf(end) === null) return
  const names = tables ?? (await tableNames(end))
  if ((await flagOf(end)) === null && (await tableWithRows(end, names)) === null) return
  const by = await closed(end)
  const of = { ...by.hold, mode: 'receiving', atOnce: true, batchRows: 1_000 } as const
  // Children first, as far as the description's order goes: parents come first there.
  for (const name of names.toReversed()) await end.ask('remove', { ...of, tables: [name] })
  await end.ask('forgetProgress', by.hold)
  await end.ask('giveUpTarget', by.hold)
  await end.ask('removeFlag', { ...by.hold, mode: 'moved' })
  const flag = await flagOf(end)
  const table = await tableWithRows(end, names)
  if (!flag && !table) return
  throw new Broken(`the scratch tenant is left with ${flag ? `a flag ${flag.mode}` : table}`)
}

/** Whatever its flag is, it becomes `receiving`, held by a new attempt. */
async function closed(end: Subject): Promise<Attempt> {
  const flag = await flagOf(end)
  const by = await attempt(end, flag ? { moveId: flag.moveId } : {})
  if (flag?.mode === 'read_only') {
    await end.ask('adopt', { ...by.hold, moveId: flag.moveId, mode: 'read_only' })
    await end.ask('lowerFence', by.hold)
  }
  if (flag?.mode === 'capturing') {
    await end.ask('adopt', { ...by.hold, moveId: flag.moveId, mode: 'capturing' })
    if (flag.captureUntil) await end.ask('endCapture', { ...by.hold, moveId: flag.moveId })
    else await end.ask('lowerFence', by.hold)
  }
  await claim(end, by, flag ? [flag.moveId] : [])
  return by
}

/** Until the end itself says that the lease is over. */
export async function lapsed(end: Subject): Promise<Flag> {
  for (let tries = 0; tries < 100; tries += 1) {
    const flag = await flagOf(end)
    if (flag?.lapsed) return flag
    if (flag === null) throw new Skipped('something else has opened the fence meanwhile')
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  throw new Broken('a lease of 1 ms had not lapsed after 2 s')
}
