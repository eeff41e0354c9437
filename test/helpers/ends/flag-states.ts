// A tenant's flag in each state that a move leaves it in, and who may act on it then.
import { randomUUID } from 'node:crypto'
import type { Flag, Flags, Hold } from '../../../src/ends/flags.ts'
import type { TestEnd } from './kinds.ts'

export const longMs = 60_000
export const windowMs = 120_000

/** One attempt at one move of one tenant. */
export interface Actor extends Hold {
  readonly moveId: string
  readonly epoch: string
}

let lastTurn = 0
let lastTenant = 0

export function newTenant(name = 'tenant'): string {
  lastTenant += 1
  return `${name} ${lastTenant}`
}

const nextTurn = () => {
  lastTurn += 1
  return String(lastTurn)
}

export function newActor(tenant: string, change: Partial<Actor> = {}): Actor {
  const ids = { token: randomUUID(), moveId: randomUUID(), epoch: randomUUID() }
  return { scope: 'default', tenant, ...ids, ...change }
}

export const holdOf = ({ scope, tenant, token }: Actor): Hold => ({ scope, tenant, token })

export const raiseOf = (actor: Actor, leaseMs = longMs) => {
  return { ...actor, reason: 'moved by a test', retryAfterS: 7, leaseMs }
}

export const claimOf = (actor: Actor, captureMs: number | null = null) => {
  const { leaseMs: _, ...claim } = raiseOf(actor)
  return { ...claim, ours: [actor.moveId], captureMs }
}

/** Takes the next turn. */
export async function begin<T extends Hold>(flags: Flags, actor: T): Promise<T> {
  const { scope, tenant, token } = actor
  if (!(await flags.takeTurn({ scope, tenant, token, turn: nextTurn() })))
    throw new Error('no turn')
  return actor
}

export const states = [
  'open',
  'capturing',
  'capturing, lapsed',
  'capturing in its window',
  'read-only',
  'read-only, lapsed',
  'read-only in its window',
  'receiving',
  'receiving, with a window to come',
  'receiving, where it has lived',
  'moved',
] as const
export type State = (typeof states)[number]

/** Waits until a lease of 1 ms is over by the clock of the database that has the flags. */
export async function lapse({ flagDatabase }: TestEnd): Promise<void> {
  await flagDatabase.pool.query('select pg_sleep(0.005)')
}

/** Brings the tenant into that state. Returns the actor that still has the turn. */
export async function bringTo(at: TestEnd, tenant: string, state: State): Promise<Actor> {
  const { beside: flags } = at
  const actor = await begin(flags, newActor(tenant))
  const lapsed = state.endsWith('lapsed')
  if (state.startsWith('capturing') && !state.endsWith('window')) {
    await flags.startCapture(raiseOf(actor, lapsed ? 1 : longMs))
  } else if (state === 'read-only' || lapsed) {
    await flags.raiseFence(raiseOf(actor, lapsed ? 1 : longMs))
  } else if (state === 'receiving') {
    await flags.claimTarget(claimOf(actor))
  } else if (state === 'receiving, with a window to come') {
    await flags.claimTarget(claimOf(actor, windowMs))
  } else if (state === 'moved' || state === 'receiving, where it has lived') {
    await flags.raiseFence(raiseOf(actor))
    await flags.markMoved({ ...holdOf(actor), movedTo: 'elsewhere' })
    if (state !== 'moved') await flags.claimTarget(claimOf(actor))
  } else if (state.endsWith('window')) {
    return await bringToWindow(flags, actor, state)
  }
  if (lapsed) await lapse(at)
  return actor
}

async function bringToWindow(flags: Flags, first: Actor, state: State): Promise<Actor> {
  await flags.claimTarget(claimOf(first, windowMs))
  await flags.openReceived(holdOf(first))
  const actor = await begin(flags, { ...first, ...newActor(first.tenant), moveId: first.moveId })
  const { scope, tenant, token, moveId, epoch } = actor
  await flags.adoptCapture({ scope, tenant, token, moveId, epoch, leaseMs: longMs })
  if (state.startsWith('read-only')) {
    await flags.fenceCaptured({ ...holdOf(actor), epoch, leaseMs: longMs })
  }
  return actor
}

/** The mode of a tenant at an end, in a word. */
export const modeOf = (flag: Flag | null) => flag?.mode ?? 'open'
