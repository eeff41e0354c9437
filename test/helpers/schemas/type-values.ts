/** Values of PostgreSQL's types as SQL texts, for property tests. */
import fc from 'fast-check'

const text = fc.string({ unit: 'grapheme' }).map((value) => value.replaceAll('\0', ''))
const integer = (bits: bigint) => {
  const [min, max] = [-(2n ** (bits - 1n)), 2n ** (bits - 1n) - 1n]
  const near = fc.constantFrom(min, min + 1n, -1n, 0n, 1n, max - 1n, max)
  return fc.oneof(near, fc.bigInt({ min, max })).map(String)
}
const two = (value: number) => String(value).padStart(2, '0')
const era = fc.constantFrom('', '', ' BC')
const day = fc
  .tuple(fc.integer({ min: 1, max: 12 }), fc.integer({ min: 1, max: 28 }))
  .map(([month, date]) => `${two(month)}-${two(date)}`)
const date = (lastYear: number) =>
  fc.tuple(fc.integer({ min: 1, max: lastYear }), day, era).map(([year, monthDay, bc]) => {
    const shown = bc === '' ? year : ((year - 1) % 4712) + 1
    return [`${String(shown).padStart(4, '0')}-${monthDay}`, bc] as const
  })
const time = fc
  .tuple(fc.integer({ min: 0, max: 86_399 }), fc.integer({ min: 0, max: 999_999 }))
  .map(([seconds, us]) => {
    const clock = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60]
    return `${clock.map(two).join(':')}.${String(us).padStart(6, '0')}`
  })
const instant = fc
  .tuple(fc.oneof(date(2300), date(294_275)), time)
  .map(([[days, bc], clock]) => `${days} ${clock}${bc}`)
const instants = fc.oneof(
  instant,
  fc.constantFrom(
    ...['infinity', '-infinity', '4714-11-24 00:00:00 BC', '294276-12-31 23:59:59.999999'],
    ...['2000-01-01 00:00:00', '1999-12-31 23:59:59.999999', '2000-02-29 12:00:00.1'],
    ...['1900-02-28 00:00:00', '0001-01-01 00:00:00', '0001-12-31 23:59:59.999999 BC'],
  ),
)
const digits = (max: number) => fc.stringMatching(new RegExp(`^\\d{0,${max}}$`))
const numeric = fc.oneof(
  fc
    .tuple(fc.constantFrom('', '-'), digits(30), digits(30))
    .map(([sign, whole, fraction]) => `${sign}0${whole}${fraction && '.'}${fraction}`),
  fc.constantFrom('NaN', 'Infinity', '-Infinity', '0', '0.0000', '10000', '0.00010000', '-0.00001'),
  fc.constantFrom(`1${'0'.repeat(5000)}`, `0.${'0'.repeat(5000)}1`, '9999.9999', '100000000'),
)
const json = fc.json({ stringUnit: 'grapheme' }).filter((t) => !t.includes('\\u0000'))

/** Any value of a type, by its name. */
export const generated: Readonly<Record<string, fc.Arbitrary<string>>> = {
  int2: integer(16n),
  int4: integer(32n),
  int8: integer(64n),
  float8: fc.double().map((n) => (Object.is(n, -0) ? '-0' : String(n))),
  numeric,
  bool: fc.constantFrom('true', 'false'),
  text,
  varchar: text,
  bpchar: text,
  bytea: fc.uint8Array().map((bytes) => `\\x${Buffer.from(bytes).toString('hex')}`),
  uuid: fc.uuid(),
  json,
  jsonb: json,
  date: fc.oneof(
    date(5_874_896).map(([days, bc]) => days + bc),
    fc.constantFrom('infinity', '-infinity', '4714-11-24 BC', '5874897-12-31', '2024-02-29'),
  ),
  time: fc.oneof(time, fc.constantFrom('00:00:00', '23:59:59.9')),
  timestamp: instants,
  timestamptz: instants.map((t) => (t.endsWith('infinity') ? t : t.replace(/( BC)?$/, '+00$1'))),
}

/** Arrays of one and two dimensions. */
export function generatedArray(values: fc.Arbitrary<string>): fc.Arbitrary<string> {
  const one = fc.option(values)
  const pairs = fc.array(fc.tuple(one, one), { minLength: 1, maxLength: 3 })
  return fc.oneof(fc.array(one, { maxLength: 4 }), pairs).map(arrayText)
}

type Nested = readonly (Nested | string | null)[]

function arrayText(items: Nested): string {
  const texts = items.map((item) => {
    if (item === null) return 'NULL'
    return typeof item === 'string' ? `"${item.replace(/["\\]/g, '\\$&')}"` : arrayText(item)
  })
  return `{${texts.join(',')}}`
}
