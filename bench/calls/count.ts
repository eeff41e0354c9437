/** Counts the remote calls of attempts, by phase, and how many of them come one after another. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { RemoteCall } from '../../src/calls.ts'

export interface Counted {
  readonly calls: number
  /** Each call: its phase, the pool and the beginning of the statement. */
  readonly list: readonly string[]
  /** Calls in which an end says what its tables look like. */
  readonly catalogue: number
  /** The longest chain, of which each began after the one before had ended. */
  readonly chain: number
  /** Calls from the raising of the fence until writers may go on. */
  readonly fenced: number
  /** The longest chain among them. */
  readonly inSequence: number
}

/** Phases in which the tenant's writers wait, from the fence's own statement on. */
const fencedPhases = ['fence', 'drain', 'copy', 'verify', 'final_catch_up', 'cutover', 'release']
const fencedBack = ['undo_fence', 'undo_drain', 'undo_final_catch_up', 'undo_compare']
const fencedPhasesBack = [...fencedBack, 'undo_cutover', 'undo_release']

const opensHome = /^\s*with turn as .*update rehome\.tenant_flags/s

/** Runs `work` and counts what is called for `tenant` meanwhile. */
export async function countCalls(tenant: string, work: () => Promise<unknown>): Promise<Counted> {
  const heard: RemoteCall[] = []
  const hear = (message: unknown) => {
    const call = message as RemoteCall
    if (call.tenant === tenant) heard.push(call)
  }
  subscribe('rehome:call', hear)
  try {
    await work()
  } finally {
    unsubscribe('rehome:call', hear)
  }
  return counted(heard)
}

/** One that sets a sequence looks only whether its owner is still the one that it was. */
function readsCatalogue(text: string): boolean {
  return /\bpg_(class|attribute|type|trigger)\b/.test(text) && !/\bsetval\b/.test(text)
}

function counted(heard: readonly RemoteCall[]): Counted {
  const begun = heard.filter(({ moment }) => moment === 'before')
  const fenced = underFence(heard)
  return {
    calls: begun.length,
    list: begun.map(lineOf),
    catalogue: begun.filter(({ text }) => readsCatalogue(text)).length,
    chain: longestChain(heard),
    fenced: fenced.filter(({ moment }) => moment === 'before').length,
    inSequence: longestChain(fenced),
  }
}

function lineOf({ phase = '', to, text }: RemoteCall): string {
  const statement = text.replace(/\s+/g, ' ').trim().slice(0, 160)
  return `${phase.padEnd(16)} ${to.padEnd(12)} ${statement}`
}

/** From the first call of a phase in which writers wait, until the statement that opens a home. */
function underFence(heard: readonly RemoteCall[]): RemoteCall[] {
  const phases = [...fencedPhases, ...fencedPhasesBack]
  const online = heard.some(({ phase }) => /^(undo_)?final_catch_up$/.test(phase ?? ''))
  const waits = ({ phase = '' }: RemoteCall) =>
    phases.includes(phase) && !(online && /^(copy|verify|undo_compare)$/.test(phase))
  const first = heard.findIndex(waits)
  if (first < 0) return []
  const rest = heard.slice(first)
  const opened = rest.findIndex(({ moment, phase = '', text }) => {
    return moment === 'after' && /^(undo_)?release$/.test(phase) && opensHome.test(text)
  })
  return rest.slice(0, opened < 0 ? rest.length : opened + 1).filter(waits)
}

function longestChain(heard: readonly RemoteCall[]): number {
  const begun = new Map<string, number[]>()
  let ended = 0
  for (const { moment, to, text } of heard) {
    const key = `${to}\u0000${text}`
    const depths = begun.get(key) ?? []
    if (moment === 'before') begun.set(key, [...depths, ended + 1])
    else ended = Math.max(ended, depths.shift() ?? 0)
  }
  return ended
}
