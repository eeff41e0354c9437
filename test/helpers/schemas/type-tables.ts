// Tables with a column of every type of PostgreSQL, and rows of values that are easily lost.
import fc from 'fast-check'
import { expect } from 'vitest'
import type { World } from '../world.ts'
import { generated, generatedArray } from './type-values.ts'

/** Types whose binary form is the same everywhere: they go as they are. */
const portable: Readonly<Record<string, readonly string[]>> = {
  int2: ['-32768', '0', '32767'],
  int4: ['-2147483648', '7'],
  int8: ['-9223372036854775808', '9007199254740993'],
  float4: ['NaN', 'Infinity', '-0', '1e-45', '3.4028235e38', '0.1'],
  float8: ['NaN', '-Infinity', '-0', '5e-324', '1.7976931348623157e308', '0.1'],
  numeric: ['NaN', '1.50', '-0.000', `1${'0'.repeat(400)}.${'0'.repeat(300)}1`],
  'numeric(20,4)': ['1', '-1234567890123456.7891'],
  bool: ['true', 'false'],
  text: ['', ' ', '\\N', '\\.', 'a\tb\nc\rd\\e', '𝄞 ü \u0001', 'NULL', '{"a"}'],
  'varchar(10)': ['', 'ünïcödé', 'a  '],
  'char(5)': ['', 'ab', 'a b'],
  name: ['', 'x'.repeat(63)],
  '"char"': ['', 'a'],
  bytea: ['', '\\x', '\\x00', '\\x5c4e0aff'],
  uuid: ['00000000-0000-0000-0000-000000000000', 'ffffffff-ffff-ffff-ffff-ffffffffffff'],
  date: ['infinity', '-infinity', '4713-01-01 BC', '5874897-12-31', '2024-02-29'],
  time: ['00:00', '24:00:00', '23:59:59.999999'],
  timetz: ['24:00:00-15:59', '01:02:03.000004+05:45'],
  timestamp: ['infinity', '-infinity', '0044-03-15 12:00:00.000001 BC', '294276-12-31 23:59:59'],
  timestamptz: ['infinity', '0001-12-31 23:59:59.999999+00 BC', '2024-02-29 12:00:00.000001+02'],
  interval: ['0', '-178000000 years', '1 mon -1 day 00:00:00.000001', '24 hours', '1 day'],
  json: ['{"a": 1.0, "a": 1e400,  "b":"\\u0000"}', 'null', '[1.10, 12345678901234567890]', '""'],
  jsonb: ['{"a": 1.0, "ü": "\\\\ \\" \\n"}', 'null', '[1.10, 12345678901234567890, 1e-30]', '"x"'],
  inet: ['192.168.0.1/24', '::ffff:1.2.3.4', '2001:db8::/32'],
  cidr: ['10.0.0.0/8', '::/0'],
  macaddr: ['08:00:2b:01:02:03'],
  macaddr8: ['08:00:2b:01:02:03:04:05'],
  'bit(3)': ['101', '000'],
  varbit: ['', '1'.repeat(100)],
  point: ['(1,-0)', '(NaN,Infinity)', '(0.1,1e300)'],
  lseg: ['[(1,2),(3,4)]'],
  path: ['[(1,2),(3,4)]', '((1,2),(3,4))'],
  box: ['(3,4),(1,2)'],
  polygon: ['((0,0),(1,1),(2,0))'],
  line: ['{1,2,3}'],
  circle: ['<(1,2),3>'],
  int4range: ['empty', '(,)', '[1,5)'],
  numrange: ['(1.50,2.0]', 'empty'],
  tstzrange: ['[2024-01-01 00:00:00+00,)', '(-infinity,infinity)'],
  'int4[]': ['{}', '{1,NULL,3}', '{{1,2},{3,4}}', '[0:1]={1,2}'],
  'text[]': ['{}', '{"",NULL,"NULL","a\\"b","c\\\\d","e,f"," g "}', '{{a},{b}}'],
  'jsonb[]': ['{"{\\"a\\": 1.0}",NULL}'],
  'numeric[]': ['{1.50,NaN}'],
  'timestamptz[]': ['{infinity,"2024-02-29 12:00:00.000001+00"}'],
  'box[]': ['{(3,4),(1,2);(1,1),(0,0)}'],
}

/** Types of a server's own, or without a binary form: they go as text. */
const local: Readonly<Record<string, readonly string[]>> = {
  mood: ['calm', 'in a hurry'],
  'mood[]': ['{calm,NULL,"in a hurry"}'],
  price: ['1.5', '0'],
  pair: ['(1,"a,b")', '(,)', '(7,"(""x"")")'],
  'pair[]': ['{"(1,\\"a,b\\")",NULL}'],
  money: ['-12.34', '0.01'],
  tsvector: ["'a':1A,2 'b c'", ''],
  tsquery: ["'a' & !'b'", ''],
  int8multirange: ['{}', '{[1,3),[5,)}'],
  regconfig: ['english'],
  text: ['', '\\N'],
}

const ofBinaryForms = Object.keys(generated)
/** All of whose binary forms a transform reads: they never become COPY's text. */
const known = Object.fromEntries(
  [...ofBinaryForms, ...ofBinaryForms.map((type) => `${type}[]`)].map((type) => [
    type,
    portable[type] ?? [],
  ]),
)

/** Types that the tables need. */
const types = `create domain price as numeric(12, 2); create type pair as (n int, t text);`

function tableSql(name: string, columns: Readonly<Record<string, unknown>>): string {
  const list = Object.keys(columns).map((type, i) => `c${i} ${type}`)
  const own = 'id bigint primary key, tenant_id text not null'
  return `create table ${name} (${own}, ${list.join(', ')});`
}

/** Any value beside any other, and NULL. */
async function fill(
  world: World,
  name: string,
  columns: Readonly<Record<string, readonly string[]>>,
) {
  const values = Object.entries(columns).map(([type, texts]) => valuesOf(type, texts))
  const rows = fc.sample(fc.tuple(...values), { numRuns: 300, seed: 11 })
  const all = Object.values(columns)
  const longest = Math.max(...all.map((texts) => texts.length))
  const each = Array.from({ length: longest }, (_, i) => all.map((texts) => texts[i] ?? null))
  const tuples = [...rows, ...each].map((row, id) => [id, 'acme', ...row])
  for (let i = 0; i < tuples.length; i += rowsAtOnce) {
    await insert(world, name, tuples.slice(i, i + rowsAtOnce))
  }
}

// A statement has at most 65,535 parameters.
const rowsAtOnce = 200

async function insert(
  world: World,
  name: string,
  rows: readonly (readonly unknown[])[],
): Promise<void> {
  const lists = rows.map((row, i) => `(${row.map((_, j) => `$${i * row.length + j + 1}`)})`)
  await world.source.pool.query(`insert into ${name} values ${lists.join(', ')}`, rows.flat())
}

function valuesOf(type: string, texts: readonly string[]): fc.Arbitrary<string | null> {
  const element = generated[type.replace('[]', '')]
  const any = element && (type.endsWith('[]') ? generatedArray(element) : element)
  return fc.oneof(fc.constantFrom(null, ...texts), ...(any ? [any] : []))
}

/** Name → column type → values. */
export const typeTables = { portables: portable, locals: local, knowns: known }

export const typeTablesSql =
  types +
  Object.entries(typeTables)
    .map(([name, columns]) => tableSql(name, columns))
    .join('')

/** For the tenant `acme`. */
export async function fillTypeTables(world: World): Promise<void> {
  for (const [name, columns] of Object.entries(typeTables)) await fill(world, name, columns)
}

/** Compares values as texts, type by type. */
export async function expectSameValues(world: World): Promise<void> {
  for (const [name, columns] of Object.entries(typeTables)) {
    const types = Object.keys(columns)
    const lists = types.map((_, i) => `array_agg(c${i}::text order by id) as c${i}`)
    const [there, here] = await Promise.all(
      [world.source, world.target].map(({ pool }) =>
        pool.query(`select ${lists.join(', ')} from ${name}`),
      ),
    )
    for (const [i, type] of types.entries()) {
      expect([type, here?.rows[0][`c${i}`]]).toEqual([type, there?.rows[0][`c${i}`]])
    }
  }
}
