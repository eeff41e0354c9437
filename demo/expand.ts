/**
 * The schema of the source is expanded while the application writes: an unsafe file is refused, and
 * the safe one runs without a write that is refused or fails.
 */
import { fileURLToPath } from 'node:url'
import type { Rehome } from '../src/index.ts'
import type { TrafficReport } from './application/tally.ts'
import type { Traffic } from './application/traffic.ts'
import type { Check } from './outcome.ts'
import plan from './plan.ts'
import { tell } from './screen.ts'

export interface Expanded {
  readonly rehome: Rehome
  readonly traffic: Pick<Traffic, 'report'>
}

export async function expandSource({ rehome, traffic }: Expanded): Promise<Check[]> {
  tell('expanding the schema of the source, first with a file that is unsafe')
  const refusal = await rehome.changeSchema(planWith('unsafe.sql'), 'expand').then(
    () => null,
    (error: Error & { code?: string }) => error,
  )
  tell(`refused: ${refusal?.message.slice(0, 120)}…`)
  const before = traffic.report()
  const { steps } = await rehome.changeSchema(planWith('safe.sql'), 'expand', {
    onStep({ statement, waitedMs, heldMs, locks, rows }) {
      const what = statement.replace(/\s+/g, ' ').slice(0, 60)
      const [lock] = locks
      const changed = rows === null ? '' : `, ${rows.toLocaleString('en')} rows in batches`
      const times = `waited ${Math.round(waitedMs ?? 0)} ms, held ${Math.ceil(heldMs ?? 0)} ms`
      tell(`ran ${what}…: ${times}, ${lock?.mode} on ${lock?.table}${changed}`)
    },
  })
  const after = traffic.report()
  const accepted = after.accepted - before.accepted
  const lost = failures(after) - failures(before)
  tell(`${accepted} writes were accepted meanwhile, ${lost} refused or failed`)
  return [
    {
      what: 'an unsafe change of the schema was refused',
      held: refusal?.code === 'PREFLIGHT_FAILED' && /index-not-concurrent/.test(refusal.message),
    },
    {
      what: 'the safe one ran while the application wrote',
      held: steps.length === 4 && accepted > 0,
    },
    { what: 'no write was refused or failed meanwhile', held: lost === 0 },
  ]
}

function planWith(file: string) {
  const folder = fileURLToPath(new URL('schema/', import.meta.url))
  return { ...plan, schema: { folder, expand: { source: [file] } } }
}

function failures({ refused, turnedAway, unknown, errors }: TrafficReport): number {
  const failed = Object.values(errors).reduce((sum, count) => sum + count, 0)
  return refused + turnedAway + unknown + failed
}
