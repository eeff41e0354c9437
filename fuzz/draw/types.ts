/** Types of columns: what has to exist for one, and literals of it. */
import type { Piece } from '../cases/case.ts'
import { literal } from './draw.ts'

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

export const quoted =
  (text: (n: number) => string): Kind['of'] =>
  (n) =>
    literal(text(n))

export const uuid = (n: number) => `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`

/** Types that exist in every case which needs them; `%s` is the schema. */
const both = (sql: string): Pick<Piece, 'source' | 'target'> => ({ source: sql, target: sql })

export const pieces: Readonly<Record<string, Pick<Piece, 'source' | 'target'>>> = {
  extensions: both(`create schema if not exists extensions;
grant usage on schema extensions to public`),
  citext: both('create extension citext schema extensions'),
  ltree: both('create extension ltree schema extensions'),
  hstore: both('create extension hstore schema extensions'),
  cube: both('create extension cube schema extensions'),
  btree_gist: both('create extension btree_gist schema extensions'),
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
  span: both(`create type %s.span as range (subtype = date, multirange_type_name = %s.spans)`),
  deep: both('create type %s.deep as (list %s.addr[], note text)'),
  moods: both('create domain %s.moods as %s.mood[]'),
  spanned: both('create domain %s.spanned as int4range check (not isempty(value))'),
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
  lsn: { type: 'pg_lsn', needs: [], of: quoted((n) => `0/${n.toString(16).toUpperCase()}`) },
  cidr: { type: 'cidr', needs: [], of: (n) => `cidr '10.0.0.0/24' + ${n} * 256` },
  varbit: { type: 'bit varying', needs: [], of: (n) => `b'${n.toString(2)}'` },
  macaddr8: {
    type: 'macaddr8',
    needs: [],
    of: quoted((n) => `08002bffff${n.toString(16).padStart(6, '0')}`),
    again: quoted((n) => `08-00-2b-ff-ff${n.toString(16).padStart(6, '0').replace(/../g, '-$&')}`),
  },
  timetz: {
    type: 'timetz',
    needs: [],
    of: (n) => `timetz '00:00+00' + ${n} * interval '1 microsecond'`,
  },
  multirange: {
    type: 'int4multirange',
    needs: [],
    of: quoted((n) => `{[${n},${n}]}`),
    again: quoted((n) => `{[${n},${n + 1})}`),
  },
  spanned: {
    type: '%s.spanned',
    needs: ['spanned'],
    of: quoted((n) => `[${n},${n + 1})`),
    again: quoted((n) => `[${n},${n}]`),
  },
  citexts: {
    type: 'extensions.citext[]',
    needs: ['extensions', 'citext'],
    of: quoted((n) => `{Ab,N${n}}`),
    again: quoted((n) => `{aB,n${n}}`),
  },
  tsvector: { type: 'tsvector', needs: [], of: quoted((n) => `a:1 n${n}:2B`) },
  nested: {
    type: '%s.deep',
    needs: ['addr', 'deep'],
    of: (n) => `row(array[row('x', ${n})::%s.addr], null)::%s.deep`,
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
  lsn: 0.3,
  cidr: 0.3,
  varbit: 0.3,
  macaddr8: 0.3,
  timetz: 0.3,
  multirange: 0.3,
  spanned: 0.4,
  citexts: 0.4,
  tsvector: 0.2,
  nested: 0.3,
  macaddr: 0.3,
  isbn: 0.5,
}
