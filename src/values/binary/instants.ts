/**
 * date, time, timestamp and timestamptz: days, or microseconds, from midnight or from 2000-01-01,
 * the greatest and the least integer being infinite. Texts are those of DateStyle ISO and UTC.
 *
 * Days ↔ years, months, days: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms".
 */
import type { BinaryForm, ByteWriter } from './form.ts'

/** The day 2000-01-01, in days from 0000-03-01, where years begin in Hinnant's reckoning. */
const EPOCH = 730_425
const DAYS_OF_400_YEARS = 146_097
const DAY_US = 86_400_000_000
/** Days whose microseconds a double holds exactly: about 285 years around 2000. */
const EXACT_DAYS = 104_000
/** The range of PostgreSQL: from 4714-11-24 BC, to 5874898-06-02 or for instants 294276-12-31. */
const FIRST_DAY = -2_451_545
const LAST_DATE = 2_145_031_948
const LAST_DAY = 106_751_982

const [LEAST_INT4, GREATEST_INT4] = [-(2 ** 31), 2 ** 31 - 1]
const [LEAST_INT8, GREATEST_INT8] = [-(2n ** 63n), 2n ** 63n - 1n]

interface Civil {
  /** 0 is 1 BC. */
  readonly year: number
  readonly month: number
  readonly day: number
}

function civilOf(days: number): Civil {
  const shifted = days + EPOCH
  const era = Math.floor(shifted / DAYS_OF_400_YEARS)
  const dayOfEra = shifted - era * DAYS_OF_400_YEARS
  const centuries = Math.floor(dayOfEra / 36_524) - Math.floor(dayOfEra / 146_096)
  const yearOfEra = Math.floor((dayOfEra - Math.floor(dayOfEra / 1460) + centuries) / 365)
  const before = 365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100)
  const dayOfYear = dayOfEra - before
  const fromMarch = Math.floor((5 * dayOfYear + 2) / 153)
  const month = fromMarch < 10 ? fromMarch + 3 : fromMarch - 9
  const day = dayOfYear - Math.floor((153 * fromMarch + 2) / 5) + 1
  return { year: yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day }
}

function daysOf({ year, month, day }: Civil): number {
  const fromMarch = month > 2 ? month - 3 : month + 9
  const shifted = month > 2 ? year : year - 1
  const era = Math.floor(shifted / 400)
  const yearOfEra = shifted - era * 400
  const dayOfYear = Math.floor((153 * fromMarch + 2) / 5) + day - 1
  const leaps = Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100)
  return era * DAYS_OF_400_YEARS + yearOfEra * 365 + leaps + dayOfYear - EPOCH
}

function two(value: number): string {
  return value < 10 ? `0${value}` : String(value)
}

/** The era goes behind all the rest: `after` is what stands in between. */
function dateText(days: number, after = ''): string {
  const { year, month, day } = civilOf(days)
  const shown = String(year > 0 ? year : 1 - year).padStart(4, '0')
  return `${shown}-${two(month)}-${two(day)}${after}${year > 0 ? '' : ' BC'}`
}

function timeText(us: number): string {
  const seconds = Math.floor(us / 1e6)
  const minutes = Math.floor(seconds / 60)
  const text = `${two(Math.floor(minutes / 60))}:${two(minutes % 60)}:${two(seconds % 60)}`
  let fraction = us % 1e6
  if (fraction === 0) return text
  let digits = 6
  for (; fraction % 10 === 0; digits -= 1) fraction /= 10
  return `${text}.${String(fraction).padStart(digits, '0')}`
}

const datePattern = /^(\d{4,7})-(\d\d)-(\d\d)( BC)?$/
const timePattern = /^(\d\d):(\d\d):(\d\d)(?:\.(\d{1,6}))?$/

/** null: no date that PostgreSQL would write. */
function parseDate(text: string): number | null {
  const [, year, month, day, era] = datePattern.exec(text) ?? []
  const civil = { year: Number(year), month: Number(month), day: Number(day) }
  if (year === undefined || civil.year === 0) return null
  if (era) civil.year = 1 - civil.year
  const days = daysOf(civil)
  // A month with fewer days would give a date of the next.
  const back = civilOf(days)
  return back.month === civil.month && back.day === civil.day ? days : null
}

/** Microseconds from midnight; null: no time of day that PostgreSQL would write. */
function parseTime(text: string): number | null {
  const [, hours, minutes, seconds, fraction = ''] = timePattern.exec(text) ?? []
  if (hours === undefined) return null
  const [h, m, s] = [Number(hours), Number(minutes), Number(seconds)]
  if (h > 23 || m > 59 || s > 59) return null
  return ((h * 60 + m) * 60 + s) * 1e6 + Number(fraction.padEnd(6, '0'))
}

const dateForm: BinaryForm = {
  oid: 1082,
  text(bytes, start) {
    const days = bytes.readInt32BE(start)
    if (days === GREATEST_INT4) return 'infinity'
    return days === LEAST_INT4 ? '-infinity' : dateText(days)
  },
  write(text, out) {
    const days = infiniteInt4.get(text) ?? parseDate(text)
    if (days === null) return false
    const infinite = days === GREATEST_INT4 || days === LEAST_INT4
    if (!infinite && (days < FIRST_DAY || days > LAST_DATE)) return false
    out.int32(days)
    return true
  },
}

const infiniteInt4 = new Map([
  ['infinity', GREATEST_INT4],
  ['-infinity', LEAST_INT4],
])
const infiniteInt8 = new Map([
  ['infinity', GREATEST_INT8],
  ['-infinity', LEAST_INT8],
])

const timeForm: BinaryForm = {
  oid: 1083,
  text: (bytes, start) => timeText(Number(bytes.readBigInt64BE(start))),
  write(text, out) {
    const us = parseTime(text)
    if (us !== null) writeInstant(out, { days: 0, us })
    return us !== null
  },
}

function timestampForm(oid: number, zone: '' | '+00'): BinaryForm {
  return {
    oid,
    text(bytes, start) {
      const { days, us } = readInstant(bytes, start)
      if (days === Number.POSITIVE_INFINITY) return 'infinity'
      if (days === Number.NEGATIVE_INFINITY) return '-infinity'
      return dateText(days, ` ${timeText(us)}${zone}`)
    },
    write(text, out) {
      const infinite = infiniteInt8.get(text)
      if (infinite !== undefined) {
        out.reserve(8)
        out.at = out.bytes.writeBigInt64BE(infinite, out.at)
        return true
      }
      const instant = parseInstant(text, zone)
      if (instant) writeInstant(out, instant)
      return instant !== null
    },
  }
}

interface Instant {
  readonly days: number
  readonly us: number
}

function parseInstant(text: string, zone: '' | '+00'): Instant | null {
  const era = text.endsWith(' BC') ? ' BC' : ''
  const bare = era ? text.slice(0, -era.length) : text
  // As JavaScript writes it: 2024-02-29T12:00:00.000Z.
  const after = zone !== '' && bare.endsWith('Z') ? 'Z' : zone
  const space = bare.search(/[ T]/)
  if (space === -1 || !bare.endsWith(after)) return null
  const days = parseDate(bare.slice(0, space) + era)
  const us = parseTime(bare.slice(space + 1, bare.length - after.length))
  if (days === null || us === null || days < FIRST_DAY || days > LAST_DAY) return null
  return { days, us }
}

function readInstant(bytes: Buffer, start: number): Instant {
  const high = bytes.readInt32BE(start)
  const us = high * 2 ** 32 + bytes.readUInt32BE(start + 4)
  const days = Math.floor(us / DAY_US)
  if (Math.abs(days) < EXACT_DAYS) return { days, us: us - days * DAY_US }
  const exact = bytes.readBigInt64BE(start)
  if (exact === GREATEST_INT8) return { days: Number.POSITIVE_INFINITY, us: 0 }
  if (exact === LEAST_INT8) return { days: Number.NEGATIVE_INFINITY, us: 0 }
  const rest = Number(((exact % BigInt(DAY_US)) + BigInt(DAY_US)) % BigInt(DAY_US))
  return { days: Number((exact - BigInt(rest)) / BigInt(DAY_US)), us: rest }
}

function writeInstant(out: ByteWriter, { days, us }: Instant): void {
  out.reserve(8)
  if (Math.abs(days) < EXACT_DAYS) {
    const all = days * DAY_US + us
    const high = Math.floor(all / 2 ** 32)
    out.at = out.bytes.writeInt32BE(high, out.at)
    out.at = out.bytes.writeUInt32BE(all - high * 2 ** 32, out.at)
    return
  }
  out.at = out.bytes.writeBigInt64BE(BigInt(days) * BigInt(DAY_US) + BigInt(us), out.at)
}

export const instantForms: Readonly<Record<string, BinaryForm>> = {
  date: dateForm,
  time: timeForm,
  timestamp: timestampForm(1114, ''),
  timestamptz: timestampForm(1184, '+00'),
}
