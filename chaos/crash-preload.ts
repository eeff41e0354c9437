/**
 * Loaded before a worker: kills the process at a remote call, as if by `kill -9`, with the
 * probability CHAOS_CRASH at each of the moments that channel `rehome:call` tells of.
 *
 * Which of them it is follows from CHAOS_CRASH_SEED. Calls that change where a tenant may write are
 * ten times as likely; those that are made for no tenant, such as looking around all the time,
 * hardly ever. Invariant: where nothing is published nothing happens.
 */
import { subscribe } from 'node:diagnostics_channel'
import { writeSync } from 'node:fs'
import { z } from 'zod'
import { randomOf } from './random.ts'

const call = z.object({
  to: z.string(),
  name: z.string().optional(),
  text: z.string().optional(),
  moment: z.enum(['before', 'after']),
  phase: z.string().optional(),
  tenant: z.string().optional(),
})

/** Statements about flags and turns, and those that store how far a move is. */
const decisive = /rehome\.(tenant_flags|turns|open)|update "rehome_control"\."moves"|^commit$/i

const probability = Number(process.env.CHAOS_CRASH ?? 0)
const random = randomOf(Number(process.env.CHAOS_CRASH_SEED ?? 0), 'crash')

if (probability > 0) {
  subscribe('rehome:call', (message) => {
    const { data } = call.safeParse(message)
    if (!data) return
    const what = data.name ?? data.text ?? ''
    const weight = data.tenant === undefined ? 0.02 : decisive.test(what) ? 10 : 1
    if (!random.chance(probability * weight)) return
    const at = { ...data, text: what.replace(/\s+/g, ' ').slice(0, 120) }
    writeSync(2, `${JSON.stringify({ crashed: process.pid, time: Date.now(), ...at })}\n`)
    process.kill(process.pid, 'SIGKILL')
  })
}
