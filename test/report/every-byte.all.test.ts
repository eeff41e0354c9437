// Any single byte of a signed report that is changed is found.
import { expect, test } from 'vitest'
import { collected, newKey, temporaryFiles, textOf, unseenChanges } from './sample.ts'

test.each(['html', 'json'] as const)(
  'every changed byte of a report as %s is found',
  async (as) => {
    await using files = await temporaryFiles()
    const text = await textOf(collected(['acme', 'beta']), as, newKey().privateKey)
    expect(await unseenChanges(files, text, 1)).toEqual([])
  },
)
