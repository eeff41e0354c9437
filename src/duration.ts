/** Lengths of time as people write them. */
import { RehomeError } from './errors.ts'

const unitsMs: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
}

/** `500ms`, `1.5s`, `10m`, `2h`, `1d`, in ms. Throws USAGE. */
export function durationMs(text: string): number {
  const [, digits = '', unit = ''] = /^(\d{1,9}(?:\.\d{1,3})?)(ms|s|m|h|d)$/.exec(text) ?? []
  const ms = Number(digits) * (unitsMs[unit] ?? 0)
  if (ms > 0) return ms
  throw new RehomeError('USAGE', `"${text}" is no length of time: write 500ms, 5s, 10m, 2h or 1d`)
}
