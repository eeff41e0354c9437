/** The flags of a database, by way of one pool. */
import type { Pool } from '../../../postgres.ts'
import type { Flags } from '../../flags.ts'
import * as captures from '../changes/captures.ts'
import * as leftovers from './leftovers.ts'
import * as flags from './tenant-flags.ts'
import { takeTurn } from './turns.ts'

/** `scope`: as which all scopes are known here. Absent: as what they are called. */
export function flagsAt(pool: Pool, scope?: string): Flags {
  const flags = ownFlags(pool)
  if (scope === undefined) return flags
  const entries = Object.entries(flags).map(([name, transition]) => {
    const ask = transition as (change: object) => unknown
    return [name, (change: object) => ask({ ...change, scope })]
  })
  return Object.fromEntries(entries) as Flags
}

function ownFlags(pool: Pool): Flags {
  return {
    answer: async () => void (await pool.query('select')),
    takeTurn: ({ turn, ...hold }) => takeTurn(pool, hold, turn),
    readFlag: (key) => flags.readFlag(pool, key),
    raiseFence: (raise) => flags.raiseFence(pool, raise),
    startCapture: (raise) => flags.startCapture(pool, raise),
    fenceCaptured: (raise) => captures.fenceCaptured(pool, raise),
    lowerToCapture: ({ leaseMs, ...hold }) => captures.lowerToCapture(pool, hold, leaseMs),
    adoptCapture: (change) => captures.adoptCapture(pool, change),
    endCapture: (change) => captures.endCapture(pool, change),
    claimTarget: (claim) => flags.claimTarget(pool, claim),
    markRowsOurs: (hold) => flags.markRowsOurs(pool, hold),
    takeOver: (change) => flags.takeOver(pool, change),
    adopt: (change) => flags.adopt(pool, change),
    letOpen: ({ key, ...hold }) => flags.letOpen(pool, hold, key),
    renewLease: ({ leaseMs, ...hold }) => flags.renewLease(pool, hold, leaseMs),
    markMoved: ({ movedTo, ...hold }) => flags.markMoved(pool, hold, movedTo),
    lowerFence: (hold) => flags.lowerFence(pool, hold),
    openReceived: (hold) => flags.openReceived(pool, hold),
    removeFlag: ({ mode, ...hold }) => flags.removeFlag(pool, hold, mode),
    giveUpTarget: (hold) => flags.giveUpTarget(pool, hold),
    lapsedFences: ({ scope }) => leftovers.lapsedFences(pool, scope),
    lowerLapsed: (key) => leftovers.lowerLapsed(pool, key),
    closedTenants: ({ scope }) => leftovers.closedTenants(pool, scope),
    givenAway: ({ scope, closed }) => leftovers.givenAway(pool, scope, closed),
    openWith: (opened) => leftovers.openWith(pool, opened),
  }
}
