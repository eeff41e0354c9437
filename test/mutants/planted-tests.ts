// Of a suite that runs over a planted fault, all but the tests that may find it are skipped.
import { beforeEach, expect } from 'vitest'

const named = new RegExp(process.env.PLANTED_TESTS ?? '')

beforeEach((context) => {
  const title = (expect.getState().currentTestName ?? '').replaceAll(' > ', ' ')
  if (!named.test(title)) context.skip()
})
