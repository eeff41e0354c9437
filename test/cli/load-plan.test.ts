// Plan files of every kind, in folders that know nothing of this package.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { loadPlan, setPackageModule } from '../../src/cli/load-plan.ts'
import * as rehome from '../../src/index.ts'
import { definePlan } from '../../src/index.ts'
import { type Folder, openFolder } from '../helpers/processes/folder.ts'

let folder: Folder
const write = (name: string, text: string) => folder.write(name, text)

beforeAll(async () => {
  folder = await openFolder('rehome plans ')
  setPackageModule(rehome)
})

afterAll(() => folder.remove())

const esModule = `
  import { join } from 'node:path'
  import { definePlan } from 'rehome'
  import { name } from './name.EXT'
  export default { name: await Promise.resolve(join(name)), definePlan, url: import.meta.url }`
const typed = esModule.replace(
  "'rehome'",
  "'rehome'\n  type Name = string\n  enum Kind { One = 1 }",
)
const commonjs = `
  const { definePlan } = require('rehome')
  module.exports = { name: require('./name.EXT').name, definePlan, url: 'file:' }`

describe.each([
  ['without a "type"', '{ "name": "app", "version": "1.0.0", "main": "index.js" }'],
  ['with "type": "commonjs", as npm init -y writes it', '{ "type": "commonjs" }'],
  ['with "type": "module"', '{ "type": "module" }'],
  ['without a package.json', ''],
])('in a project %s', (project, manifest) => {
  test.each([
    ['ts', typed],
    ['mts', typed],
    ['cts', typed],
    ['js', esModule],
    ['mjs', esModule],
    ['cjs', commonjs],
  ])('a plan loads from a .%s file with the running package', async (extension, text) => {
    const base = `${project.replaceAll(/\W/g, '')}-${extension}`
    if (manifest !== '') await write(`${base}/package.json`, manifest)
    const name = extension === 'cjs' ? 'exports.name = ' : 'export const name = '
    await write(`${base}/name.${extension}`, `${name}'small'`)
    const path = await write(`${base}/plan.${extension}`, text.replace('EXT', extension))
    const plan = await loadPlan(path)
    expect(plan).toEqual({ name: 'small', definePlan, url: expect.stringMatching(/^file:/) })
    expect((plan as unknown as typeof rehome).definePlan).toBe(definePlan)
  })
})

test.each([
  ['exports.default = { name: 1 }', 'js'],
  [
    "Object.defineProperty(exports, '__esModule', { value: true }); exports.default = { name: 1 }",
    'cjs',
  ],
  ['module.exports = { name: 1 }', 'cts'],
])('compiled CommonJS has a default export: %s', async (text, extension) => {
  const path = await write(`commonjs-${extension}.${extension}`, text)
  expect(await loadPlan(path)).toEqual({ name: 1 })
})

test('paths of the tsconfig.json beside a plan are resolved', async () => {
  const paths = { compilerOptions: { paths: { '@app/*': ['./src/*'] } } }
  await write('paths/tsconfig.json', JSON.stringify(paths))
  await write('paths/src/list.ts', 'export const tenants = ["acme"]')
  const text = `import { tenants } from '@app/list'\nexport default { tenants }`
  expect(await loadPlan(await write('paths/plan.ts', text))).toEqual({ tenants: ['acme'] })
})

describe('a plan that cannot be loaded is refused with file, line and text:', () => {
  const second = '`  oops here`'.replace('  ', '')
  test.each(['ts', 'mts', 'cts', 'js', 'mjs', 'cjs'])(
    'a syntax error in .%s',
    async (extension) => {
      const path = await write(`bad.${extension}`, 'const a = 1\n  oops here\n')
      await expect(loadPlan(path)).rejects.toMatchObject({
        code: 'PLAN_UNREADABLE',
        message: expect.stringMatching(new RegExp(`bad.${extension}, line 2: ${second}$`)),
      })
    },
  )

  test('a syntax error in a file that it imports', async () => {
    await write('list.ts', '\n\nexport const tenants = [1, 2\nexport const b = 1')
    const path = await write(
      'imports.ts',
      `import { tenants } from './list'\nexport default tenants`,
    )
    await expect(loadPlan(path)).rejects.toThrow(/list\.ts, line 4: `export const b = 1`$/)
  })

  test('an error that it throws', async () => {
    const text = `interface A {\n  b: string\n}\nthrow new Error('no list of tenants')`
    const path = await write('throws.ts', text)
    const what = /no list of tenants in .*throws\.ts, line 4: `throw new Error\(/
    await expect(loadPlan(path)).rejects.toThrow(what)
  })

  test('a module that is not there', async () => {
    const path = await write('missing.ts', `import { a } from './nowhere.ts'\nexport default a`)
    await expect(loadPlan(path)).rejects.toThrow(/Cannot find module '\.\/nowhere\.ts'/)
  })

  test.each([
    ['ts', 'export const a = 1'],
    ['mjs', 'export const a = 1'],
  ])('no default export in .%s', async (extension, text) => {
    const path = await write(`none.${extension}`, text)
    await expect(loadPlan(path)).rejects.toThrow(/has no default export/)
  })
})
