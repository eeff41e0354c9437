// The rule of objects finds properties that were packed.
import { expect, test } from 'vitest'
import { packedProperties } from '../helpers/tidy/objects.ts'

const packed = (text: string) => packedProperties(new Map([['src/plan/new.ts', text]]))

test('properties that are packed into a spread are found, at any depth', () => {
  expect(packed('const a = { ...{ b, c }, d }')).toEqual([
    'src/plan/new.ts:1 packs properties into a spread',
  ])
  expect(packed('call({\n  of: { ...{ b: 1 } },\n})')).toEqual([
    'src/plan/new.ts:2 packs properties into a spread',
  ])
})

test('another object may be spread, also under a condition', () => {
  expect(packed('const a = { ...b, ...(c && { d }), ...(e ? { f } : null) }')).toEqual([])
})
