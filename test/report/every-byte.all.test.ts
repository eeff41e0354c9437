// Any single byte of a signed report that is changed is found.
import { describe, expect, test } from 'vitest'
import { collected, newKey, temporaryFiles, textOf, unseenChanges } from './sample.ts'

const parts = 8

describe.each(['html', 'json'] as const)('a report as %s', (as) => {
  test.each(Array.from({ length: parts }, (_, part) => part))(
    `every changed byte is found, from the byte %i on in steps of ${parts}`,
    async (first) => {
      await using files = await temporaryFiles()
      const text = await textOf(collected(['acme', 'beta']), as, newKey().privateKey)
      expect(await unseenChanges(files, text, { step: parts, first })).toEqual([])
    },
  )
})
