/**
 * Loaded before a worker: kills the process at a remote call, as if by `kill -9`, with the
 * probability CHAOS_CRASH at each of the moments that channel `rehome:call` tells of.
 *
 * Which of them it is follows from CHAOS_CRASH_SEED. Calls that change where a tenant may write are
 * ten times as likely. Invariant: where nothing is published nothing happens.
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

/** The words of statements that raise, lower, take over or turn a flag, or take a turn. */
const decisive = /flag|fence|moved|release|adopt|takeOver|turn|hold|claim|cutover|settle/i

const probability = Number(process.env.CHAOS_CRASH ?? 0)
const random = randomOf(Number(process.env.CHAOS_CRASH_SEED ?? 0), 'crash')

if (probability > 0) {
  subscribe('rehome:call', (message) => {
    const { data } = call.safeParse(message)
    if (!data) return
    const what = data.name ?? data.text ?? ''
    if (!random.chance(decisive.test(what) ? probability * 10 : probability)) return
    const told = { crash: what.slice(0, 80), moment: data.moment, to: data.to, tenant: data.tenant }
    writeSync(2, `${JSON.stringify({ time: Date.now(), ...told, phase: data.phase })}\n`)
    process.kill(process.pid, 'SIGKILL')
  })
}
