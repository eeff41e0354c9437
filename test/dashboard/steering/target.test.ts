// A field that cannot be read must not make a decision about one tenant one about the whole run.
import { expect, test } from 'vitest'
import { isTicked, readForm } from '../../../src/dashboard/fields.ts'
import { readRunQuery } from '../../../src/dashboard/runs/run-query.ts'
import { readTarget, targetPath } from '../../../src/dashboard/steering/target.ts'

const usage = expect.objectContaining({ code: 'USAGE' })

test.each([{}, { tenant: 'a' }, { tenant: '0' }, { tenant: ' ' }, { wave: 2 }])(
  'target %j survives its address',
  (target) => {
    const url = new URL(targetPath('cancel', 'run-1', target), 'http://board')
    expect(readTarget(Object.fromEntries(url.searchParams))).toEqual(target)
  },
)

test.each([
  { tenant: ['a', 'b'] },
  { tenant: '' },
  { tenant: ['', ''] },
  { wave: 'x' },
  { wave: '' },
  { wave: '1.5' },
  { wave: '-1' },
  { wave: ' ' },
  { wave: '0x1' },
  { wave: ['1', '2'] },
  { Tenant: 'a' },
  { tenants: 'a' },
  { tenant: 'a', wave: '' },
])('target %j is refused', (query) => {
  expect(() => readTarget(query)).toThrow(usage)
})

test.each(['tenant=a', 'by=Ada&by=Eve', 'wave=1', 'by=Ada&constructor=1'])(
  'form %j is refused',
  (body) => {
    expect(() => readForm(body, ['by', 'reason'])).toThrow(usage)
  },
)

test('a box is ticked, or is not, and nothing else', () => {
  const ticked = (body: string) => isTicked(new URLSearchParams(body), 'finish')
  expect([ticked(''), ticked('finish=yes')]).toEqual([false, true])
  for (const body of ['finish=on', 'finish=', 'finish=true']) {
    expect(() => ticked(body), body).toThrow(usage)
  }
})

test.each(['q', 'phase', 'code', 'sort', 'page'])(
  'a list with two values of %j is refused',
  (name) => {
    expect(() => readRunQuery({ [name]: ['1', '2'] })).toThrow(usage)
  },
)
