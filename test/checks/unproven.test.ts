// What `check` and the evidence of a move say of ends that cannot prove it.
import { expect, test } from 'vitest'
import { unprovenOf } from '../../src/checks/http-findings.ts'
import { catalogOf } from '../helpers/catalog.ts'

const strays = /does not look for rows that refer to a tenant's/

/** Abilities of an end of each kind; see `End`. */
const abilities = { sql: { sql: {}, digests: {} }, http: { digests: {} }, api: {} }

const ends = [
  ['a database', 'sql', {}, false],
  ['an end over HTTP that looks for them', 'http', { tellsStrays: true }, false],
  ['an end over HTTP that does not', 'http', { tellsStrays: false }, true],
  ['an end over HTTP that says nothing of it', 'http', {}, true],
  ['an API', 'api', {}, true],
] as const

test.each(ends)('rows left behind at %s', (_, kind, catalog, unseen) => {
  const survey = { source: catalogOf({}, catalog), target: catalogOf({}, {}) }
  const at = { source: abilities[kind], target: abilities.sql }
  const found = (told: readonly { readonly where: string; readonly message: string }[]) =>
    told.filter(({ message }) => strays.test(message)).map(({ where }) => where)
  expect(found(unprovenOf(survey, at))).toEqual(unseen ? ['source'] : [])
  const back = { source: survey.target, target: survey.source }
  const other = { source: at.target, target: at.source }
  expect(found(unprovenOf(back, other))).toEqual(unseen ? ['target'] : [])
})

const mood = { kind: 'enum', name: 'mood', labels: ['calm'] } as const

test.each([
  ['an end that says the labels of its enum', { shape: mood }, 0],
  ['an end that does not', {}, 1],
])('types of %s', (_, said, count) => {
  const { tables } = catalogOf({ notes: { id: 'int8 key', mood: 'mood' } })
  const notes = tables.get('notes')
  if (!notes) throw new Error('no table')
  const columns = notes.columns.map((column) => {
    return column.name === 'mood' ? { ...column, typeSql: 'public.mood', ...said } : column
  })
  const source = catalogOf({}, { tellsStrays: true })
  const catalog = { ...source, tables: new Map([['notes', { ...notes, columns }]]) }
  const ends = { source: abilities.http, target: abilities.sql }
  const told = unprovenOf({ source: catalog, target: catalogOf({}) }, ends)
  expect(told.filter(({ message }) => /enums and composite types/.test(message))).toHaveLength(
    count,
  )
})
