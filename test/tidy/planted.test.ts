// Each rule of the house is tried on a planted fault, so that none passes for finding nothing.
import { expect, test } from 'vitest'
import { house } from '../helpers/tidy/house.ts'
import { filesIn } from '../helpers/tidy/sources.ts'

test('each rule of test/tidy.test.ts has a planted fault in test/tidy', () => {
  const imports = (house.get('test/tidy.test.ts') ?? '').matchAll(
    /import \{([^}]*)\} from '\.\/helpers\/tidy\/(?!house)/g,
  )
  const rules = [...imports].flatMap(([, names = '']) => names.match(/\w+/g) ?? [])
  expect(rules).toContain('climbingImports')
  const samples = filesIn(house, /^test\/tidy\/(?!planted)/).map(([, text]) =>
    text.replace(/^import[^']*/gm, ''),
  )
  const untried = rules.filter((rule) => !samples.some((text) => text.includes(rule)))
  expect(untried).toEqual(['newestSubjects'])
})
