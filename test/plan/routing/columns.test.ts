// What becomes of each column on its way: it keeps its value, or the plan is refused.
import { describe, expect, test } from 'vitest'
import { isPortable } from '../../../src/plan/routing/columns.ts'
import { sql } from '../../../src/plan/sql-text.ts'
import { routeNotes } from '../../helpers/catalog.ts'

const notes = { id: 'int8 key', tenant_id: 'text not-null', body: 'text' }

/** Source column → target column, of a column `value` beside what every table has. */
function routeValue(from: string, to: string) {
  const { columns, findings } = routeNotes({}, { ...notes, value: from }, { ...notes, value: to })
  return { value: columns.get('value'), findings }
}

describe('a column', () => {
  test('goes to the column of the same name', () => {
    const { columns, findings } = routeNotes({}, notes)
    expect(findings).toEqual([])
    expect([...columns]).toEqual([
      ['id', 'r."id"'],
      ['tenant_id', 'r."tenant_id"'],
      ['body', 'r."body"'],
    ])
  })

  test('is quoted, whatever it is called', () => {
    const { columns } = routeNotes({}, { ...notes, 'a "b" c': 'text' })
    expect(columns.get('a "b" c')).toBe('r."a ""b"" c"')
  })

  test.each(['constructor', 'toString', 'hasOwnProperty', '__proto__'])(
    'called %s, as parts of every JavaScript object are, is one like any other',
    (name) => {
      const source = Object.fromEntries([...Object.entries(notes), [name, 'text']])
      const { columns, findings } = routeNotes({}, source)
      expect(findings).toEqual([])
      expect(columns.get(name)).toBe(`r."${name}"`)
    },
  )

  test('that the target does not have is refused until the plan says what becomes of it', () => {
    const { findings } = routeNotes({}, { ...notes, mood: 'text' }, notes)
    expect(findings).toEqual([
      'table "notes": target "notes" has no column "mood": drop, rename or compute it in `columns`',
    ])
  })

  test('that is dropped stays behind', () => {
    const options = { columns: { drop: ['mood'] } }
    const { columns, findings } = routeNotes(options, { ...notes, mood: 'text' }, notes)
    expect(findings).toEqual([])
    expect(columns.has('mood')).toBe(false)
  })

  test('that is renamed goes to its new name, also when two change places', () => {
    const renamed = routeNotes({ columns: { rename: { body: 'content' } } }, notes, {
      id: 'int8 key',
      tenant_id: 'text not-null',
      content: 'text',
    })
    expect(renamed.findings).toEqual([])
    expect(renamed.columns.get('content')).toBe('r."body"')
    const swapped = routeNotes(
      { columns: { rename: { body: 'title', title: 'body' } } },
      { ...notes, title: 'text' },
    )
    expect(swapped.findings).toEqual([])
    expect(swapped.columns.get('body')).toBe('r."title"')
    expect(swapped.columns.get('title')).toBe('r."body"')
  })

  test('that is computed is what the expression says, and stands in for its namesake', () => {
    const { columns, findings } = routeNotes(
      { columns: { compute: { body: sql`lower(r.body)` } }, computed: { body: 'text' } },
      notes,
    )
    expect(findings).toEqual([])
    expect([...columns.keys()]).toEqual(['id', 'tenant_id', 'body'])
    expect(columns.get('body')).toBe('(lower(r.body))')
  })

  test.each([
    ['drop', { drop: ['mood'] }] as const,
    ['rename', { rename: { mood: 'm' } }] as const,
  ])('that does not exist cannot be meant by `%s`', (_, columns) => {
    expect(routeNotes({ columns }, notes).findings).toEqual([
      'table "notes": column "mood" does not exist at the source',
    ])
  })

  test('cannot take the name of another one that goes along, with or without a transform', () => {
    const rename = { title: 'body' }
    for (const transform of [undefined, (row: Record<string, unknown>) => row]) {
      const options = { columns: { rename }, ...(transform && { transform }) }
      expect(routeNotes(options, { ...notes, title: 'text' }, notes).findings).toEqual([
        'table "notes": two columns become "body": drop or rename one of them',
      ])
    }
  })
})

describe('a target column that must have a value', () => {
  test('is named when nothing fills it', () => {
    expect(routeNotes({}, notes, { ...notes, region: 'text not-null' }).findings).toEqual([
      'table "notes": target column "notes.region" is not null and gets no value',
    ])
  })

  test.each(['text', 'text not-null default', 'int8 not-null identity', 'int4 not-null generated'])(
    'is not one that is "%s"',
    (words) => {
      expect(routeNotes({}, notes, { ...notes, region: words }).findings).toEqual([])
    },
  )

  test('is left to the transform where there is one', () => {
    const transform = (row: Record<string, unknown>) => ({ ...row, region: 'eu' })
    const target = { ...notes, region: 'text not-null' }
    expect(routeNotes({ transform }, notes, target).findings).toEqual([])
  })
})

describe('a generated column', () => {
  const generated = { ...notes, words: 'int4 generated' }
  const ordinary = { ...notes, words: 'int4' }

  test('is left to the target that generates it, too', () => {
    const { columns, findings } = routeNotes({}, generated)
    expect(findings).toEqual([])
    expect(columns.has('words')).toBe(false)
  })

  test('is brought along where the target has an ordinary column of that name', () => {
    const { columns, findings } = routeNotes({}, generated, ordinary)
    expect(findings).toEqual([])
    expect(columns.get('words')).toBe('r."words"')
  })

  test('is brought along under its new name', () => {
    const options = { columns: { rename: { words: 'count' } } }
    const { columns, findings } = routeNotes(options, generated, { ...notes, count: 'int4' })
    expect(findings).toEqual([])
    expect(columns.get('count')).toBe('r."words"')
  })

  test('may be missing at the target: it follows from the others', () => {
    expect(routeNotes({}, generated, notes).findings).toEqual([])
  })

  test('cannot be filled with an ordinary one', () => {
    expect(routeNotes({}, ordinary, generated).findings).toEqual([
      'table "notes": target column "notes.words" is generated there: drop it in `columns`',
    ])
  })

  test('is given to a transform like any other', () => {
    const transform = (row: Record<string, unknown>) => row
    expect(routeNotes({ transform }, generated).columns.get('words')).toBe('r."words"')
  })
})

describe('a type', () => {
  test.each([
    ['int2', 'int4'],
    ['int2', 'int8'],
    ['int4', 'int8'],
    ['int4', 'numeric'],
    ['int8', 'numeric'],
    ['int4', 'numeric(12,2)'],
    ['float4', 'float8'],
    ['varchar', 'text'],
    ['varchar(50)', 'text'],
    ['bpchar(3)', 'text'],
    ['bpchar(3)', 'varchar(3)'],
    ['text', 'varchar'],
    ['name', 'text'],
  ])('may widen: %s to %s', (from, to) => {
    const name = to.replace(/\(.*/, '')
    expect(routeValue(from, to)).toEqual({ value: `r."value"::${name}`, findings: [] })
  })

  test.each([
    ['text', 'text'],
    ['mood', 'mood'],
    ['_text', '_text'],
    ['varchar(50)', 'varchar'],
    ['varchar(50)', 'varchar(50)'],
    ['varchar(50)', 'varchar(51)'],
    ['bpchar(3)', 'bpchar(4)'],
    ['numeric(10,2)', 'numeric'],
    ['numeric(10,2)', 'numeric(12,4)'],
    ['timestamptz(3)', 'timestamptz'],
    ['timestamptz', 'timestamptz(6)'],
    ['geometry(Point,4326)', 'geometry(Point,4326)'],
    ['geometry(Point,4326)', 'geometry'],
  ])('may stay what it is: %s to %s', (from, to) => {
    expect(routeValue(from, to)).toEqual({ value: 'r."value"', findings: [] })
  })

  test.each([
    ['int8', 'int4'],
    ['numeric', 'int8'],
    ['float8', 'numeric'],
    ['float8', 'float4'],
    ['text', 'int4'],
    ['timestamptz', 'timestamp'],
    ['timestamptz', 'date'],
    ['json', 'jsonb'],
    ['text', '_text'],
    ['constructor', 'text'],
    ['text', 'varchar(50)'],
    ['varchar', 'varchar(50)'],
    ['varchar(51)', 'varchar(50)'],
    ['bpchar(4)', 'bpchar(3)'],
    ['bpchar(4)', 'varchar(3)'],
    ['numeric', 'numeric(20,4)'],
    ['numeric(10,2)', 'numeric(10,1)'],
    ['numeric(10,2)', 'numeric(10,3)'],
    ['_numeric(10,2)', '_numeric(10,1)'],
    ['int4', 'numeric(11,2)'],
    ['timestamptz', 'timestamptz(3)'],
    ['time(3)', 'time(0)'],
    ['bit(8)', 'bit(16)'],
    ['vector(3)', 'vector(4)'],
    ['geometry', 'geometry(Point,4326)'],
  ])('is refused where something may get lost: %s to %s', (from, to) => {
    const { findings } = routeValue(from, to)
    expect(findings).toEqual([
      `table "notes": column "value" is ${from} and becomes ${to}, which may lose part of a value: ` +
        'convert it with `columns.compute`',
    ])
  })

  test('may become narrower where the plan spells it out', () => {
    const source = { ...notes, value: 'numeric(10,2)' }
    const target = { ...notes, value: 'numeric(10,1)' }
    const columns = { compute: { value: sql`round(r.value, 1)` } }
    const { findings } = routeNotes({ columns, computed: { value: 'numeric' } }, source, target)
    expect(findings).toEqual([])
  })

  test('of an expression has to fit as well', () => {
    const columns = { compute: { body: sql`r.id * 2` } }
    expect(routeNotes({ columns, computed: { body: 'int8' } }, notes).findings).toEqual([
      'table "notes": column "body" is int8 and becomes text, which may lose part of a value: ' +
        'convert it with `columns.compute`',
    ])
  })

  test('is not judged where a transform makes the row', () => {
    const transform = (row: Record<string, unknown>) => row
    const target = { ...notes, value: 'int2' }
    expect(routeNotes({ transform }, { ...notes, value: 'text' }, target).findings).toEqual([])
  })
})

test('only types whose bytes mean the same everywhere are passed through in binary', () => {
  for (const type of ['int4', '_int4', 'jsonb', 'timestamptz']) expect(isPortable(type)).toBe(true)
  for (const type of ['mood', '_mood', 'oid', 'regclass', 'money', 'hstore', 'record']) {
    expect(isPortable(type)).toBe(false)
  }
})
