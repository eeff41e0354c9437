/** Types of columns: what has to exist for one, and literals of it. */
import type { Piece } from './case.ts'
import { literal, type Random, weighted } from './draw.ts'

export interface Kind {
  readonly type: string
  /** Names in `pieces` that it needs. */
  readonly needs: readonly string[]
  /** Makes the same text for the same number, another one for another number. */
  readonly of: (n: number) => string
  /** A wider type that the target may have. */
  readonly wider?: string
  /** Makes the same value, written in another way that is equal. */
  readonly again?: (n: number) => string
}

const quoted =
  (text: (n: number) => string): Kind['of'] =>
  (n) =>
    literal(text(n))

const uuid = (n: number) => `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`
const day = (n: number) => `${2000 + (n % 50)}-0${1 + (n % 9)}-${10 + (n % 18)}`

/** Types that exist in every case which needs them; `%s` is the schema. */
const both = (sql: string): Pick<Piece, 'source' | 'target'> => ({ source: sql, target: sql })

export const pieces: Readonly<Record<string, Pick<Piece, 'source' | 'target'>>> = {
  extensions: both(`create schema if not exists extensions;
grant usage on schema extensions to public`),
  citext: both('create extension citext schema extensions'),
  ltree: both('create extension ltree schema extensions'),
  hstore: both('create extension hstore schema extensions'),
  cube: both('create extension cube schema extensions'),
  isn: both('create extension isn schema extensions'),
  mood: both(`create type %s.mood as enum ('calm', 'busy', 'Zoë')`),
  email: both(`create domain %s.email as text check (value like '%@%')`),
  positive: both('create domain %s.positive as int check (value > 0)'),
  cidomain: both('create domain %s.cidomain as extensions.citext'),
  addr: both('create type %s.addr as (street text, zip int)'),
  pair: both('create type %s.pair as (k extensions.citext, n numeric)'),
  turned: {
    source: 'create type %s.turned as (one text, two text)',
    target: 'create type %s.turned as (two text, one text)',
  },
  words: {
    source: `create type %s.words as enum ('one', 'two', 'three')`,
    target: `create type %s.words as enum ('one', 'two', 'three', 'four')`,
  },
  span: both('create type %s.span as range (subtype = date)'),
  folded: both(`create collation %s.folded
  (provider = icu, locale = 'und-u-ks-level2', deterministic = false)`),
}

/** Types whose values tell rows apart. */
export const keyKinds = {
  int: { type: 'int', needs: [], of: String, wider: 'bigint' },
  bigint: { type: 'bigint', needs: [], of: String },
  numeric: { type: 'numeric', needs: [], of: (n) => `${n}.50`, again: (n) => `${n}.5` },
  uuid: { type: 'uuid', needs: [], of: quoted(uuid) },
  text: { type: 'text', needs: [], of: quoted((n) => `it's "${n}"\\ ü`) },
  varchar: { type: 'varchar(40)', needs: [], of: quoted((n) => `v${n}`), wider: 'text' },
  char: { type: 'char(8)', needs: [], of: quoted((n) => `c${n}`), again: quoted((n) => `c${n}  `) },
  date: { type: 'date', needs: [], of: (n) => `date '2000-01-01' + ${n}` },
  bytea: { type: 'bytea', needs: [], of: quoted((n) => `\\x${String(n).padStart(8, '0')}`) },
  inet: { type: 'inet', needs: [], of: (n) => `inet '10.0.0.0' + ${n}` },
  mood_pair: {
    type: '%s.addr',
    needs: ['addr'],
    of: (n) => `row('s, "${n}', ${n})::%s.addr`,
  },
  citext: {
    type: 'extensions.citext',
    needs: ['extensions', 'citext'],
    of: quoted((n) => `Name${n}`),
    again: quoted((n) => `NAME${n}`),
  },
  cidomain: {
    type: '%s.cidomain',
    needs: ['extensions', 'citext', 'cidomain'],
    of: quoted((n) => `Dom${n}`),
    again: quoted((n) => `dOM${n}`),
  },
  ltree: {
    type: 'extensions.ltree',
    needs: ['extensions', 'ltree'],
    of: quoted((n) => `top.n${n}`),
  },
  email: { type: '%s.email', needs: ['email'], of: quoted((n) => `n${n}@example.org`) },
  positive: { type: '%s.positive', needs: ['positive'], of: String },
  collated: { type: 'text collate "C"', needs: [], of: quoted((n) => `k${n}`) },
  icu: { type: 'text collate "en-x-icu"', needs: [], of: quoted((n) => `Ä${n}`) },
  folded: {
    type: 'text collate %s.folded',
    needs: ['folded'],
    of: quoted((n) => `Fold${n}`),
    again: quoted((n) => `fOLD${n}`),
  },
  float8: { type: 'float8', needs: [], of: (n) => `${n}.5` },
  interval: {
    type: 'interval',
    needs: [],
    of: quoted((n) => `${n} days`),
    again: quoted((n) => `${24 * n} hours`),
  },
  jsonb: {
    type: 'jsonb',
    needs: [],
    of: quoted((n) => `{"n": ${n}.0}`),
    again: quoted((n) => `{"n": ${n}.00}`),
  },
  ints: { type: 'int[]', needs: [], of: quoted((n) => `{${n},NULL}`) },
  numrange: {
    type: 'numrange',
    needs: [],
    of: quoted((n) => `[${n}.0,)`),
    again: quoted((n) => `[${n},)`),
  },
  pair: {
    type: '%s.pair',
    needs: ['extensions', 'citext', 'pair'],
    of: quoted((n) => `(Ab${n},${n}.0)`),
    again: quoted((n) => `(aB${n},${n})`),
  },
  name: { type: 'name', needs: [], of: quoted((n) => `n${n}`) },
  macaddr: {
    type: 'macaddr',
    needs: [],
    of: quoted((n) => `08002b${n.toString(16).padStart(6, '0')}`),
  },
  timestamptz: {
    type: 'timestamptz',
    needs: [],
    of: (n) => `timestamptz '2026-01-01 00:00:00.123456+02' + ${n} * interval '1 hour'`,
  },
  isbn: {
    type: 'extensions.isbn13',
    needs: ['extensions', 'isn'],
    of: (n) => `extensions.make_valid(('978' || lpad('${n}', 9, '0') || '0!')::extensions.isbn13)`,
  },
} as const satisfies Record<string, Kind>

export type KeyKind = keyof typeof keyKinds

export const keyWeights: Readonly<Record<KeyKind, number>> = {
  int: 8,
  bigint: 8,
  numeric: 1,
  uuid: 5,
  text: 4,
  varchar: 2,
  char: 1,
  date: 1,
  bytea: 1,
  inet: 1,
  mood_pair: 1,
  citext: 2,
  cidomain: 1,
  ltree: 1,
  email: 1,
  positive: 1,
  collated: 1,
  icu: 1,
  folded: 1,
  timestamptz: 1,
  float8: 0.5,
  interval: 0.7,
  jsonb: 0.7,
  ints: 0.5,
  numrange: 0.7,
  pair: 0.7,
  name: 0.3,
  macaddr: 0.3,
  isbn: 0.5,
}

const pick =
  (...texts: string[]): Kind['of'] =>
  (n) =>
    texts[n % texts.length] ?? 'null'

/** Types of other columns. */
const valueKinds: readonly (Kind & { readonly weight: number })[] = [
  { weight: 8, type: 'text', needs: [], of: pick(`'a'`, `''`, `E'b\\tc\\nd\\\\N'`, `'"ü🏠'`) },
  { weight: 4, type: 'int', needs: [], of: String, wider: 'bigint' },
  { weight: 0.5, type: 'text', needs: [], of: (n) => `repeat(md5('${n}'), 4000)` },
  { weight: 2, type: 'smallint', needs: [], of: (n) => String(n % 30_000), wider: 'int' },
  { weight: 2, type: 'numeric', needs: [], of: pick('1.10', '-0.000', `'NaN'`, '1e30') },
  { weight: 1, type: 'numeric(12,3)', needs: [], of: (n) => `${n}.125`, wider: 'numeric(20,5)' },
  {
    weight: 2,
    type: 'float8',
    needs: [],
    of: pick('0.1', `'-0'`, `'NaN'`, `'-Infinity'`, '1e-300'),
  },
  { weight: 1, type: 'real', needs: [], of: pick('0.25', '-1048576', '-0.5'), wider: 'float8' },
  { weight: 2, type: 'bool', needs: [], of: pick('true', 'false', 'null') },
  { weight: 2, type: 'date', needs: [], of: pick(`'infinity'`, `'0044-03-15 BC'`, `'2026-02-28'`) },
  {
    weight: 2,
    type: 'timestamptz',
    needs: [],
    of: pick(`'2026-01-01 00:00:00.123457+00'`, `'-infinity'`),
  },
  { weight: 1, type: 'timestamp', needs: [], of: (n) => `'${day(n)} 01:02:03.000001'` },
  { weight: 1, type: 'time', needs: [], of: pick(`'24:00'`, `'00:00:00.5'`) },
  { weight: 1, type: 'timetz', needs: [], of: pick(`'12:00+05:30'`, `'00:00-11'`) },
  { weight: 1, type: 'interval', needs: [], of: pick(`'1 mon -1 day 00:00:01'`, `'-1 year'`) },
  { weight: 1, type: 'uuid', needs: [], of: quoted(uuid) },
  { weight: 1, type: 'bytea', needs: [], of: pick(`'\\x00ff'`, `''`) },
  {
    weight: 3,
    type: 'jsonb',
    needs: [],
    of: pick(`'{"a": [1, null], "b": 1.0}'`, `'null'`, `'"x"'`),
  },
  { weight: 1, type: 'json', needs: [], of: pick(`'{"b" :1,  "b":2}'`, `'[]'`) },
  {
    weight: 1,
    type: 'text[]',
    needs: [],
    of: pick(`'{a,"b \\" c",NULL,""}'`, `'{}'`, `'[0:1]={x,y}'`),
  },
  { weight: 1, type: 'int[]', needs: [], of: pick(`'{{1,2},{3,4}}'`, `'{}'`) },
  { weight: 1, type: 'varchar(20)', needs: [], of: quoted((n) => `v${n} `), wider: 'text' },
  { weight: 1, type: 'char(4)', needs: [], of: pick(`'a'`, `'abcd'`, `''`) },
  { weight: 1, type: '"char"', needs: [], of: pick(`'x'`, `''`) },
  { weight: 1, type: 'name', needs: [], of: quoted((n) => `name ${n}`) },
  { weight: 1, type: 'inet', needs: [], of: pick(`'10.0.0.1/8'`, `'::1'`) },
  { weight: 1, type: 'bit varying', needs: [], of: pick(`'0101'`, `''`) },
  { weight: 1, type: 'int4range', needs: [], of: pick(`'[1,5)'`, `'empty'`, `'(,)'`) },
  { weight: 1, type: 'nummultirange', needs: [], of: pick(`'{[1,2],(3,4)}'`, `'{}'`) },
  { weight: 1, type: 'tsvector', needs: [], of: pick(`'a:1 b:2A'`, `''`) },
  { weight: 1, type: 'point', needs: [], of: pick(`'(1,2)'`, `'(0.1,-3)'`) },
  { weight: 1, type: 'polygon', needs: [], of: pick(`'((0,0),(1,1),(1,0))'`) },
  { weight: 1, type: 'money', needs: [], of: pick(`'1.10'`, `'-3'`) },
  { weight: 1, type: 'pg_catalog.jsonpath', needs: [], of: pick(`'$.a[*]'`) },
  { weight: 1, type: '%s.mood', needs: ['mood'], of: pick(`'calm'`, `'Zoë'`) },
  { weight: 1, type: '%s.mood[]', needs: ['mood'], of: pick(`'{calm,busy}'`, `'{}'`) },
  { weight: 1, type: '%s.words', needs: ['words'], of: pick(`'three'`, `'one'`) },
  { weight: 1, type: '%s.email', needs: ['email'], of: quoted((n) => `m${n}@x`) },
  { weight: 1, type: '%s.addr', needs: ['addr'], of: pick(`'("a, ""b",)'`, `'(,7)'`) },
  { weight: 0.5, type: '%s.addr[]', needs: ['addr'], of: pick(`'{"(a,1)","(,)"}'`) },
  { weight: 0.2, type: '%s.turned', needs: ['turned'], of: pick(`'(x,y)'`) },
  { weight: 1, type: '%s.span', needs: ['span'], of: pick(`'[2026-01-01,2026-02-01)'`, `'empty'`) },
  {
    weight: 1,
    type: 'extensions.hstore',
    needs: ['extensions', 'hstore'],
    of: pick(`'a=>NULL, "b c"=>1'`, `''`),
  },
  {
    weight: 1,
    type: 'extensions.citext',
    needs: ['extensions', 'citext'],
    of: pick(`'Ab'`, `'aB'`),
  },
  {
    weight: 0.5,
    type: 'extensions.cube',
    needs: ['extensions', 'cube'],
    of: pick(`'(1,2),(3,4)'`),
  },
  { weight: 0.5, type: 'text collate %s.folded', needs: ['folded'], of: pick(`'Ab'`, `'aB'`) },
  { weight: 0.15, type: 'oid', needs: [], of: String },
  { weight: 0.1, type: 'regclass', needs: [], of: pick(`'pg_class'`) },
  { weight: 0.3, type: 'regconfig', needs: [], of: pick(`'english'`, `'simple'`) },
]

export function drawValueKind(random: Random): Kind {
  const weights = Object.fromEntries(valueKinds.map(({ weight }, i) => [String(i), weight]))
  return valueKinds[Number(weighted(random, weights))] ?? { type: 'int', needs: [], of: String }
}
