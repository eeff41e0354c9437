/** Types of columns that are no keys, and literals of them. */
import { type Random, weighted } from './draw.ts'
import { type Kind, quoted, uuid } from './types.ts'

const day = (n: number) => `${2000 + (n % 50)}-0${1 + (n % 9)}-${10 + (n % 18)}`

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
  { weight: 0.5, type: 'xml', needs: [], of: pick(`'<a>1</a>'`, `'text <b/>'`) },
  { weight: 0.5, type: 'bit(3)', needs: [], of: pick(`b'101'`, `b'000'`) },
  { weight: 0.3, type: 'pg_lsn', needs: [], of: pick(`'16/B374D848'`, `'0/0'`) },
  { weight: 0.5, type: 'tsquery', needs: [], of: pick(`'a & !b:A'`, `''`) },
  { weight: 0.3, type: 'cidr', needs: [], of: pick(`'10.1.0.0/16'`, `'::/0'`) },
  { weight: 0.3, type: 'macaddr8', needs: [], of: pick(`'08:00:2b:01:02:03:04:05'`) },
  { weight: 0.3, type: 'lseg', needs: [], of: pick(`'[(0,0),(1,1.5)]'`) },
  { weight: 0.3, type: 'box[]', needs: [], of: pick(`'{(1,1),(0,0);(2,2),(1,1)}'`, `'{}'`) },
  { weight: 0.3, type: 'path', needs: [], of: pick(`'[(0,0),(1,1)]'`, `'((0,0),(1,1))'`) },
  { weight: 0.3, type: 'circle', needs: [], of: pick(`'<(0,0),1e-9>'`) },
  { weight: 0.2, type: 'line', needs: [], of: pick(`'{1,-1,0}'`) },
  { weight: 0.2, type: 'xid8', needs: [], of: quoted(String) },
  { weight: 0.2, type: 'pg_snapshot', needs: [], of: pick(`'10:20:10,14'`) },
  { weight: 0.5, type: 'bytea[]', needs: [], of: pick(`'{"\\\\x00ff",NULL}'`, `'{}'`) },
  { weight: 0.5, type: 'timestamptz[]', needs: [], of: pick(`'{2026-01-01 00:00+00,infinity}'`) },
  { weight: 0.5, type: 'jsonb[]', needs: [], of: pick(`array['{"a": "\\""}'::jsonb, 'null']`) },
  { weight: 0.3, type: 'interval day to second(3)', needs: [], of: pick(`'1 day 00:00:01.234'`) },
  {
    weight: 0.3,
    type: 'timestamp(0)',
    needs: [],
    of: pick(`'2026-01-01 10:00:00'`),
    wider: 'timestamp',
  },
  { weight: 0.3, type: 'numeric(2,-3)', needs: [], of: pick('12000', '-99000'), wider: 'numeric' },
  { weight: 0.3, type: 'daterange[]', needs: [], of: pick(`'{"[2026-01-01,2026-02-01)",empty}'`) },
  {
    weight: 0.5,
    type: '%s.deep',
    needs: ['addr', 'deep'],
    of: pick(`'("{""(\\\\""a, b\\\\"",1)""}",)'`),
  },
  { weight: 0.4, type: '%s.moods', needs: ['mood', 'moods'], of: pick(`'{calm}'`, `'{}'`) },
  { weight: 0.4, type: '%s.email[]', needs: ['email'], of: pick(`'{a@b,c@d}'`) },
  { weight: 0.4, type: '%s.spans', needs: ['span'], of: pick(`'{[2026-01-01,2026-02-01)}'`) },
  {
    weight: 0.3,
    type: 'extensions.hstore[]',
    needs: ['extensions', 'hstore'],
    of: pick(`array['a=>1'::extensions.hstore]`),
  },
]

export function drawValueKind(random: Random): Kind {
  const weights = Object.fromEntries(valueKinds.map(({ weight }, i) => [String(i), weight]))
  return valueKinds[Number(weighted(random, weights))] ?? { type: 'int', needs: [], of: String }
}
