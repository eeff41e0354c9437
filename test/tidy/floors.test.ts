// The rule of the floors finds what climbs.
import { describe, expect, test } from 'vitest'
import {
  climbingImports,
  importCircles,
  kindsAskedFor,
  overfullFolders,
  sharedNames,
} from '../helpers/tidy/floors.ts'
import { foundBy } from '../helpers/tidy/house.ts'

const line = (text: string) => (file: string) => `${text}\n${file}`

describe('imports', () => {
  test.each<[from: string, written: string, where: string]>([
    ['src/errors.ts', './plan/plan.ts', 'floor 0 (src) and floor 1 (src/plan)'],
    ['src/plan/plan.ts', '../stages/copy.ts', 'floor 1 (src/plan) and floor 12 (src/stages)'],
    ['src/values/codec.ts', '../control/runs.ts', 'floor 2 (src/values) and floor 2 (src/control)'],
    [
      'src/ends/rows.ts',
      './postgres/postgres-end.ts',
      'floor 3 (src/ends) and floor 5 (src/ends/postgres)',
    ],
    [
      'src/ends/rows.ts',
      '../transform/text-mapper.ts',
      'floor 3 (src/ends) and floor 4 (src/transform)',
    ],
    [
      'src/ends/postgres/postgres-end.ts',
      '../web/reach.ts',
      'floor 5 (src/ends/postgres) and floor 5 (src/ends/web)',
    ],
    [
      'src/ends/http/lines.ts',
      '../api/api-end.ts',
      'floor 6 (src/ends/http) and floor 6 (src/ends/api)',
    ],
    ['src/checks/survey.ts', '../attempt/shard.ts', 'floor 9 (src/attempt)'],
    ['src/attempt/shard.ts', '../comparison/compare.ts', 'floor 10 (src/comparison)'],
    ['src/comparison/compare.ts', '../follow/follower.ts', 'floor 11 (src/follow)'],
    ['src/follow/follower.ts', '../stages/copy.ts', 'floor 12 (src/stages)'],
    ['src/stages/copy.ts', '../queue/jobs.ts', 'floor 13 (src/queue)'],
    ['src/stages/copy.ts', '../move-shard.ts', 'floor 13 (src/move-shard.ts)'],
    ['src/move-shard.ts', './queue/jobs.ts', 'floor 13 (src/queue)'],
    ['src/queue/jobs.ts', '../worker/attempt.ts', 'floor 14 (src/worker)'],
    ['src/dashboard/page.ts', '../coordinator/rehome.ts', 'floor 14 (src/coordinator)'],
    ['src/worker/attempt.ts', '../cli/main.ts', 'floor 15 (src/cli)'],
    ['src/cli/main.ts', '../../jobs/worker.ts', 'floor 15 (jobs)'],
    ['src/cli/main.ts', '../index.ts', 'floor 16 (src/index.ts)'],
    ['jobs/errand-jobs.ts', '../src/cli/main.ts', 'floor 15 (src/cli)'],
    ['src/worker/attempt.ts', 'rehome', 'floor 16 (src/index.ts)'],
    ['src/client/index.ts', '../plan/plan.ts', 'it stands apart'],
    ['src/cli/main.ts', '../client/index.ts', 'it stands on no floor below'],
    ['src/cli/main.ts', '../../test/helpers/world.ts', 'it is no part of the product'],
    ['jobs/errand-jobs.ts', '../dev/postgres.ts', 'it is no part of the product'],
    ['src/plan/plan.ts', './catalog.js', 'does not end in .ts'],
  ])('from %s to %s are found', (from, written, where) => {
    const found = foundBy(climbingImports, { [from]: line(`import '${written}'`) })
    expect(found).toEqual([expect.stringMatching(`^${from} imports ${written}: `)])
    expect(found[0]).toContain(where)
  })

  test.each([
    `import type { A } from '../stages/copy.ts'`,
    `import { type A } from '../stages/copy.ts'`,
    `export { a } from '../stages/copy.ts'`,
    `export * from '../stages/copy.ts'`,
    `export const a = () => import('../stages/copy.ts')`,
    `export type A = import('../stages/copy.ts').A`,
  ])('count in whatever way they are written: %s', (text) => {
    expect(foundBy(climbingImports, { 'src/plan/new.ts': text })).toHaveLength(1)
  })

  test('that only stand in a comment or a text do not count', () => {
    const text = `// import '../stages/copy.ts'\nexport const a = "import '../stages/copy.ts'"`
    expect(foundBy(climbingImports, { 'src/plan/new.ts': text })).toEqual([])
  })

  test('of the ground are allowed to what stands apart', () => {
    const text = `import '../errors.ts'\nimport './other.ts'`
    expect(foundBy(climbingImports, { 'src/client/index.ts': text })).toEqual([])
  })

  test('are asked of every file, so each stands on a floor', () => {
    expect(foundBy(climbingImports, { 'src/new/a.ts': '', 'src/new.ts': '' })).toEqual([
      'src/new/a.ts stands on no floor',
      'src/new.ts stands on no floor',
    ])
  })

  test('that lead back are found, over any number of files, types among them', () => {
    const found = foundBy(importCircles, {
      'src/plan/a.ts': `import './b.ts'`,
      'src/plan/b.ts': `import type { C } from './c.ts'`,
      'src/plan/c.ts': `export * from './a.ts'`,
    })
    expect(found).toEqual(['src/plan/a.ts → src/plan/b.ts → src/plan/c.ts → src/plan/a.ts'])
    const self = { 'jobs/a.ts': `import './a.ts'` }
    expect(foundBy(importCircles, self)).toEqual(['jobs/a.ts → jobs/a.ts'])
  })
})

test('a folder with more than twenty files is found', () => {
  const filesIn = (folder: string, count: number) =>
    Object.fromEntries(Array.from({ length: count }, (_, i) => [`${folder}/a${i}.ts`, '']))
  expect(foundBy(overfullFolders, filesIn('src/new', 21))).toEqual(['src/new has 21 files'])
  expect(foundBy(overfullFolders, filesIn('test/new', 21))).toEqual(['test/new has 21 files'])
  expect(foundBy(overfullFolders, filesIn('src/new', 20))).toEqual([])
})

test('a name that a third file has is found', () => {
  const files = { 'src/a/new.ts': '', 'src/b/new.ts': '', 'jobs/new.ts': '' }
  expect(foundBy(sharedNames, files)).toEqual([
    '3 files are called new.ts: src/a/new.ts, src/b/new.ts, jobs/new.ts',
  ])
})

test('a phase that asks for the kind of an end is found', () => {
  const text = `export const a = (end: End) =>\n  end.kind === 'sql'`
  expect(foundBy(kindsAskedFor, { 'src/stages/new.ts': text })).toEqual([
    'src/stages/new.ts:2 asks for a kind',
  ])
  expect(foundBy(kindsAskedFor, { 'src/plan/new.ts': text })).toEqual([])
})
