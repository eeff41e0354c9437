// A function of the plan chooses among ends. A move goes on between those that were chosen when it
// was enqueued, whatever the function returns later.
import { expect, test } from 'vitest'
import { endOf } from '../../../src/ends/end.ts'
import { endsOfMove } from '../../../src/ends/move-ends.ts'
import { openEnd } from '../../../src/ends/open/open-end.ts'
import { checkPlan } from '../../../src/plan/check-plan.ts'
import { postgres } from '../../../src/plan/endpoint.ts'
import { table } from '../../../src/plan/plan.ts'

const chosen = { acme: 'main', other: 'eu' }

function open(source: (tenant: string) => string) {
  const url = 'postgres://db.internal/app'
  const plan = checkPlan({
    name: 'chosen',
    tables: [table('notes', { tenant: 'tenant_id' })],
    tenants: ['acme'],
    ends: {
      main: postgres({ urlFrom: 'MAIN_URL' }),
      own: postgres({
        url(tenant) {
          if (tenant === 'acme') throw new RangeError('it has none')
          return `${url}_${tenant}`
        },
      }),
      eu: postgres({ urlFrom: 'EU_URL' }),
    },
    source,
    target: 'eu',
  })
  const environment = { MAIN_URL: `${url}_main`, EU_URL: `${url}_eu` }
  const end = (name: 'source' | 'target') => openEnd(name, plan[name], { environment })
  return { source: end('source'), target: end('target') }
}

const placeOf = (name: string) => `db.internal:5432/app_${name}`

test('a move has the end at the place that it was enqueued with, and knows its name', () => {
  const ends = open((tenant) => Object(chosen)[tenant])
  expect(endOf(ends.source, 'acme')).toMatchObject({ place: placeOf('main'), chosenAs: 'main' })
  for (const now of ['eu', 'own', 'asia']) {
    const changed = open(() => now)
    const move = { tenant_id: 'other', source: placeOf('main'), target: null }
    const { source, target } = endsOfMove(changed, move)
    expect(source).toMatchObject({ place: placeOf('main'), chosenAs: 'main' })
    expect(target.place).toBe(placeOf('eu'))
    const own = endsOfMove(changed, { ...move, source: placeOf('other') })
    expect(own.source).toMatchObject({ place: placeOf('other'), chosenAs: 'own' })
  }
})

test('an end that one tenant cannot have does not stand in the way of the others', () => {
  const move = { tenant_id: 'acme', source: placeOf('eu'), target: null }
  expect(
    endsOfMove(
      open(() => 'own'),
      move,
    ).source.place,
  ).toBe(placeOf('eu'))
})

test('an end that is none of the plan any longer ends the errand', () => {
  const move = { tenant_id: 'acme', source: placeOf('asia'), target: null }
  expect(() =>
    endsOfMove(
      open(() => 'main'),
      move,
    ),
  ).toThrow(expect.objectContaining({ code: 'PLAN_CHANGED' }))
})

test('all tenants of a database have one end, so that what is known of it is kept', () => {
  const { source } = open(() => 'main')
  expect(endOf(source, 'acme')).toBe(endOf(source, 'other'))
  expect(endOf(source, 'acme')).toBe(source.places?.at?.('other', placeOf('main')))
})
