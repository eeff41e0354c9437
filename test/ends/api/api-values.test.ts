// Values of an API's JSON: what goes out as JSON is understood when it comes back.
import { expect, test } from 'vitest'
import { baseType } from '../../../src/ends/api/api-catalog.ts'
import { rowOf, textsOf } from '../../../src/ends/api/api-values.ts'
import { checkPlan } from '../../../src/plan/check-plan.ts'
import { api } from '../../../src/plan/endpoint.ts'
import { smallPlan } from '../../helpers/small-plan.ts'

test.each([
  ['text[]', '{a,"b 1",NULL,"","q\\"uo,te"}', ['a', 'b 1', null, '', 'q"uo,te']],
  ['_text', '{a,NULL}', ['a', null]],
  [
    'int4[]',
    '{{1,2},{3,4}}',
    [
      [1, 2],
      [3, 4],
    ],
  ],
  ['int8[]', '{9007199254740993,-1}', ['9007199254740993', '-1']],
  ['numeric(20,4)[]', '{1.5000,NaN}', ['1.5000', 'NaN']],
  ['bool[]', '{t,f,NULL}', [true, false, null]],
  ['bytea[]', '{"\\\\x00ff",NULL}', ['\\x00ff', null]],
  ['timestamptz[]', '{"2026-01-01 00:00:00.000001+00"}', ['2026-01-01 00:00:00.000001+00']],
  ['text[]', '{}', []],
  ['int4[]', '[0:1]={1,2}', '[0:1]={1,2}'],
  ['jsonb[]', '{"{\\"a\\": 1}",NULL}', '{"{\\"a\\": 1}",NULL}'],
  ['bytea', '\\x00ff', '\\x00ff'],
  ['text', '{a}', '{a}'],
])('a value of %s goes out, and comes back: %s', (type, text, json) => {
  const columns = { value: type }
  const sent = JSON.parse(JSON.stringify(rowOf([text], ['value'], columns)))
  expect(sent).toEqual({ value: json })
  const [back] = textsOf(sent, ['value'], { columns, name: 'things', where: 'the API' })
  const canonical = rowOf([back ?? null], ['value'], columns)
  // JSON cannot express bounds of a dimension.
  if (!text.startsWith('[')) expect(JSON.parse(JSON.stringify(canonical))).toEqual({ value: json })
})

test("PostgreSQL's text of an array is understood, and what is no array is refused", () => {
  const named = { columns: { tags: 'text[]' }, name: 'things', where: 'the API' }
  expect(textsOf({ tags: '{a,"b 1"}' }, ['tags'], named)).toEqual(['{a,"b 1"}'])
  expect(() => textsOf({ tags: 5 }, ['tags'], named)).toThrow(/"things.tags": .*an array/)
})

test('a plan may say `text[]`', () => {
  const request = () => ({ path: 'x' })
  const tables = {
    notes: {
      columns: { id: 'int8', tags: 'text[]' },
      key: 'id',
      read: request,
      rows: () => ({ rows: [] }),
    },
  }
  const fence = { close: request, open: request }
  const source = api({ baseUrl: 'http://a', fence, tables })
  expect(() => checkPlan(smallPlan({ source, tenants: ['acme'] }))).not.toThrow(/has to be a type/)
  expect(['text[]', 'numeric(9,2)[]', 'numeric(9,2)', '_int8'].map(baseType)).toEqual([
    '_text',
    '_numeric',
    'numeric',
    '_int8',
  ])
})
