/** Lines that `check --all` prints about the tenants of a plan. */
import type { TenantsLook } from '../../coordinator/fleet/check-tenants.ts'
import { bytesText } from '../../coordinator/fleet/disk-space.ts'
import { RehomeError } from '../../errors.ts'
import { number, span } from '../../numbers.ts'
import { safe, tableText } from '../print.ts'
import { passedOverText } from './choice.ts'

/** The largest tenants are shown; JSON has all of them. */
const shownMax = 10

export function tenantsTexts(look: TenantsLook): string[] {
  const { tenants, passedOver, rows, rowsMedian } = look
  const others = passedOverText({ ...passedOver })
  const head = `${number(tenants.length)} tenant(s) are to move${others === '' ? '' : `; ${others}`}`
  if (tenants.length === 0) return [head]
  const most = number(tenants[0]?.rows ?? 0)
  const sizes = `${number(rows)} rows; half of the tenants have ${number(rowsMedian)} or fewer, the largest one has ${most}`
  return [head, sizes, largestText(look), spaceText(look), forecastText(look)]
}

function largestText({ tenants }: TenantsLook): string {
  const rows = tenants.slice(0, shownMax).map(({ tenant, rows, predicted, trouble }) => {
    const times = predicted ? [span(predicted.ms), span(predicted.pauseMs)] : ['?', '?']
    return [safe(tenant, 40), number(rows), ...times, trouble?.code ?? '']
  })
  return tableText([['largest tenants', 'rows', 'move', 'pause', 'trouble'], ...rows])
}

function spaceText({ space: { neededBytes, databaseBytes, freeBytes } }: TenantsLook): string {
  if (neededBytes === null) return 'disk: unknown, as the source is no database'
  const has = databaseBytes === null ? '' : `; its database has ${bytesText(databaseBytes)} now`
  const free =
    freeBytes === null
      ? '; PostgreSQL does not report what is free: compare, or set --target-free'
      : `; ${bytesText(freeBytes)} are free`
  return `disk: the target needs about ${bytesText(neededBytes)} more${has}${free}`
}

function forecastText(look: TenantsLook): string {
  const { ms, pauseMsMax, pauseMsP99, samples, atOnce, unknown } = look
  if (samples === 0) {
    return 'time: unknown, as no move of this plan has ended: `rehome rehearse` one of the largest'
  }
  if (ms === null) return 'time: unknown, as all tenants are far larger than those that have moved'
  const left =
    unknown === 0
      ? ''
      : `; without ${unknown} tenant(s) that are far larger than those: \`rehome rehearse\` one of them`
  return `time: about ${span(ms)} with ${atOnce} move(s) at once, 99 % of pauses within ${span(pauseMsP99)}, the longest ${span(pauseMsMax)}, by ${samples} move(s) that have ended${left}`
}

const unitBytes: Readonly<Record<string, number>> = {
  B: 1,
  kB: 1e3,
  KB: 1e3,
  MB: 1e6,
  GB: 1e9,
  TB: 1e12,
  PB: 1e15,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
  TiB: 2 ** 40,
  PiB: 2 ** 50,
}

/** `200GB`, `1.5TiB`. Throws USAGE. */
export function bytesIn(text: string): number {
  const [, digits = '', unit = ''] = /^(\d+(?:\.\d+)?)\s?([A-Za-z]+)$/.exec(text) ?? []
  const bytes = Number(digits) * (unitBytes[unit] ?? 0)
  if (digits !== '' && bytes > 0) return bytes
  throw new RehomeError('USAGE', `"${text}" is no size: write 500MB, 200GB or 1.5TiB`)
}
