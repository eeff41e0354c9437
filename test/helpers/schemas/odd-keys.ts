// Keys that can be written in several ways, are equal in a way of their own, or are seldom keys.
import type { KeyedTypes } from './keyed.ts'

const common = `create schema if not exists extensions;
  create extension if not exists citext schema extensions`

export const oddKeys: KeyedTypes = {
  domains: {
    sql: `${common}; create domain extensions.login as extensions.citext check (value <> '');
      create domain logins as extensions.login[]`,
    type: 'logins',
    keys: ['{alice,bob}', '{ALICE,Bob}', '{carol}'],
  },
  enum_ranges: {
    sql: `create type grade as enum ('low', 'mid', 'high');
      create type grades as range (subtype = grade)`,
    type: 'grades',
    keys: ['[low,mid]', '[low,mid]', '(mid,high]'],
  },
  composites: {
    sql: 'create type pair as (n numeric, label text)',
    type: 'pair[]',
    keys: ['{"(1.0,a)"}', '{"(1.00,a)"}', '{"(2,b)"}'],
  },
  cased: {
    sql: `create collation cased (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
      create type named as (name text collate cased, n int)`,
    type: 'named',
    keys: ['(Émile,1)', '(éMILE,1)', '(zoe,2)'],
    deep: true,
  },
  intervals: { type: 'interval', keys: ['1 day', '24:00:00', '2 days'], deep: true },
  interval_ranges: {
    sql: 'create type spans as range (subtype = interval)',
    type: 'spans',
    keys: ['["1 day","2 days"]', '["24:00:00","48:00:00"]', '["3 days","4 days"]'],
  },
  numerics: { type: 'numeric', childType: 'numeric(6,3)', keys: ['1.0', '1.000', '2'] },
  zeros: { type: 'float8', keys: ['-0', '0', 'NaN'] },
  padded: { type: 'char(6)', childType: 'char(9)', keys: ['a', 'a  ', 'b'] },
  bytes: { type: 'bytea', keys: ['\\x00ff', '\\000\\377', '\\x01'] },
  addresses: { type: 'inet', keys: ['10.0.0.1', '10.0.0.1/32', '::ffff:1.2.3.4'] },
  bits: { type: 'bit varying(9)', childType: 'bit varying', keys: ['101', '101', '1010'] },
  vectors: { type: 'tsvector', keys: [`''a'':1 ''b'':2`, `''b'':2 ''a'':1`, `''c'':3`] },
  documents: { type: 'jsonb', keys: ['{"a": 1.0}', '{"a": 1.00}', '{"b": null}'] },
  times: { type: 'timetz', keys: ['12:00+00', '12:00:00+00:00', '12:00+02'] },
  dates: { type: 'timestamp', childType: 'date', keys: ['2024-01-01', '2024-01-01', 'infinity'] },
  numbers: { type: 'int8', childType: 'int2', keys: ['7', '07', '8'] },
  uuids: {
    type: 'uuid',
    keys: [
      'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11',
      '{A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11}',
      'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a12',
    ],
  },
  multiranges: {
    type: 'nummultirange',
    keys: ['{[1.0,2.0)}', '{[1.00,1.5),[1.5,2.00)}', '{[5,6)}'],
  },
}

/** Some of which equal keys have several texts. */
export const respelledKeys: KeyedTypes = Object.fromEntries(
  Object.entries(oddKeys).filter(([name]) => ['domains', 'cased', 'numerics'].includes(name)),
)
