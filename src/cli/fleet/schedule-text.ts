/** The waves of a run as `enqueue` prints them, in a dry run with what they would take. */
import type { ScheduledWave } from '../../coordinator/fleet/dry-run.ts'
import { number, span } from '../../numbers.ts'
import type { RunWave } from '../../plan/waves.ts'
import { safe } from '../print.ts'

/** `schedule`: that of a dry run; else null. */
export function waveTexts(
  waves: readonly RunWave[],
  schedule: readonly ScheduledWave[] | null,
): string[] {
  const texts = waves.map((wave, i) => {
    const of = schedule?.[i]
    return `wave ${i + 1}: ${waveText(wave, waves[i + 1], of ? `, ${costText(of)}` : '')}`
  })
  const [only] = schedule ?? []
  const isAlone = waves.length === 0 && only !== undefined
  const alone = isAlone ? [`${only.count} tenant(s), ${costText(only)}`] : []
  return [...texts, ...alone, ...(schedule ? totalTexts(schedule) : [])]
}

function waveText(wave: RunWave, next: RunWave | undefined, cost: string): string {
  const who = `${wave.tenants} tenant(s), ${safe(wave.name)}${cost}`
  if (!next) return who
  const gates = [
    `at most ${wave.failedMax} failed`,
    ...(wave.pauseMsP99 === null ? [] : [`99 % of pauses within ${wave.pauseMsP99} ms`]),
    ...(wave.audited ? ['audits of all ways back'] : []),
    ...(wave.soakMs === 0 ? [] : [`a soak of ${wave.soakMs / 1000} s`]),
    ...(wave.approve ? ['a person who approves'] : []),
  ]
  return `${who}; the next wave needs ${gates.join(', ')}`
}

function costText({ rows, ms, pauseMsMax, unknown }: ScheduledWave): string {
  const size = `${number(rows)} rows`
  if (ms === null) return size
  const left = unknown > 0 ? `, without ${unknown} far larger one(s)` : ''
  return `${size}, about ${span(ms)}, pauses up to ${span(pauseMsMax)}${left}`
}

/** Soaks are added up. How long persons and windows take is unknown. */
function totalTexts(schedule: readonly ScheduledWave[]): string[] {
  const durations = schedule.flatMap(({ ms }) => ms ?? [])
  const [first] = schedule
  if (durations.length === 0 || !first) return []
  const soaks = schedule.reduce((sum, { gates }) => sum + (gates?.soakMs ?? 0), 0)
  const total = durations.reduce((sum, ms) => sum + ms, soaks)
  return [`all: about ${span(total)} with ${first.atOnce} move(s) at once, soaks included`]
}
