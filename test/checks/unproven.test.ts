// What `check` and the evidence of a move say of ends that cannot prove it.
import { expect, test } from 'vitest'
import { unprovenOf } from '../../src/stages/http-findings.ts'
import { catalogOf } from '../helpers/catalog.ts'

const strays = /does not look for rows that refer to a tenant's/

const ends = [
  ['a database', 'sql', {}, false],
  ['an end over HTTP that looks for them', 'http', { tellsStrays: true }, false],
  ['an end over HTTP that does not', 'http', { tellsStrays: false }, true],
  ['an end over HTTP that says nothing of it', 'http', {}, true],
  ['an API', 'api', {}, true],
] as const

test.each(ends)('rows left behind at %s', (_, kind, catalog, unseen) => {
  const survey = { source: catalogOf({}, catalog), target: catalogOf({}, {}) }
  const at = { source: { kind }, target: { kind: 'sql' } }
  const found = (told: readonly { readonly where: string; readonly message: string }[]) =>
    told.filter(({ message }) => strays.test(message)).map(({ where }) => where)
  expect(found(unprovenOf(survey, at))).toEqual(unseen ? ['source'] : [])
  const back = { source: survey.target, target: survey.source }
  const other = { source: at.target, target: at.source }
  expect(found(unprovenOf(back, other))).toEqual(unseen ? ['target'] : [])
})
