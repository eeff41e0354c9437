// The rules of words find what stands in one place and not in the other.
import { describe, expect, test } from 'vitest'
import { errorCodes } from '../../src/errors.ts'
import { foundBy, houseWith, type Rule } from '../helpers/tidy/house.ts'
import {
  foreignWords,
  looseAlternatives,
  unheardConnections,
  unthrownCodes,
  wrongGates,
  wronglyDocumentedCodes,
  wrongPhases,
  wrongStages,
} from '../helpers/tidy/words.ts'

describe('error codes', () => {
  const docs = 'docs/errors.md'
  const documented: Rule = (sources) => wronglyDocumentedCodes(errorCodes, sources)

  test('that are missing, unknown, repeated or described wrongly are found', () => {
    const section = (text: string) => /^### `RUN_UNKNOWN`\n[^#]*/m.exec(text)?.[0] ?? ''
    const faults = (change: (text: string) => string) => foundBy(documented, { [docs]: change })
    const changed = (from: string, to: string) =>
      faults((text) => text.replace(section(text), section(text).replace(from, to)))
    expect(faults((text) => text.replace(section(text), ''))).toEqual([
      'RUN_UNKNOWN is not documented',
    ])
    expect(faults((text) => `${text}\n${section(text)}`)).toEqual([
      'RUN_UNKNOWN is documented twice',
    ])
    expect(faults((text) => `${text}\n${section(text).replace('RUN_', 'PLAN_')}`)).toEqual([
      'PLAN_UNKNOWN is documented, and no code',
    ])
    expect(changed('automatically: no', 'automatically: yes')).toEqual([
      'RUN_UNKNOWN: tried again: false',
    ])
    expect(changed('Exit code: 2', 'Exit code: 3')).toEqual(['RUN_UNKNOWN: its exit code is 2'])
    const incomplete = ['RUN_UNKNOWN: its section lacks what happened, or what to do']
    expect(changed('**What to do:** Run', 'Run')).toEqual(incomplete)
    expect(changed('No run has this id.\n\n', '')).toEqual(incomplete)
  })

  test('that are only compared with, or spoken of, are found to be thrown nowhere', () => {
    const codes = { NEW_CODE: { retryable: false, exitCode: 1 } }
    const thrownIn = (text: string) => unthrownCodes(codes, houseWith({ 'src/plan/new.ts': text }))
    expect(thrownIn(`// NEW_CODE\nexport const a = (e) => e.code === 'NEW_CODE'`)).toEqual([
      'NEW_CODE is thrown nowhere',
    ])
    expect(thrownIn(`throw new RehomeError('NEW_CODE', 'so')`)).toEqual([])
  })
})

describe('phases', () => {
  const phases = 'src/phases.ts'

  test('that the CHECK does not know, or knows alone, are found', () => {
    const added = (text: string) => text.replace("{ name: 'copy'", "{ name: 'applaud' },\n$&")
    expect(foundBy(wrongPhases, { [phases]: added })).toEqual(["the CHECK lacks 'applaud'"])
    const removed = (text: string) => text.replace("| 'rolled_back'", '')
    expect(foundBy(wrongPhases, { [phases]: removed })).toEqual([
      "the CHECK has 'rolled_back', and no phase is called that",
    ])
    expect(foundBy(wrongPhases, { [phases]: '' })).toContain('no phase was found')
  })

  test('before the cutover that the index of open moves lacks are found', () => {
    const before = (text: string) =>
      text.replace("{ name: 'copy'", "{ name: 'applaud', fails: 'back' },\n$&")
    const path = 'migrations/control/001_runs_and_moves.sql'
    const found = foundBy(wrongGates, { [phases]: before })
    expect(found).not.toEqual([])
    for (const fault of found) expect(fault).toContain(`${path} has (queued, preflight, `)
    const after = (text: string) =>
      text.replace("{ name: 'copy'", "{ name: 'applaud', fails: 'forward' },\n$&")
    expect(foundBy(wrongGates, { [phases]: after })).toEqual([])
  })

  test('are looked for in the last migration that says them', () => {
    const later = `alter table moves add constraint "phase is a known word" check (phase in ('a'))`
    const found = foundBy(wrongPhases, { 'migrations/control/999_phases.sql': later })
    expect(found).toContain("the CHECK lacks 'queued'")
    expect(found).toContain("the CHECK has 'a', and no phase is called that")
  })

  test('without a stage, and stages in a file of another name, are found', () => {
    const added = (text: string) => text.replace("{ name: 'copy'", "{ name: 'applaud' },\n$&")
    expect(foundBy(wrongStages, { [phases]: added })).toEqual(["phase 'applaud' has no stage"])
    const stage = `export const a: Stage = { phase: 'undo_copy', async run() {} }`
    expect(foundBy(wrongStages, { 'src/stages/copy-back.ts': stage })).toEqual([
      "src/stages/copy-back.ts is the stage of 'undo_copy'",
    ])
    expect(foundBy(wrongStages, { 'src/stages/undo-copy.ts': stage })).toEqual([])
  })
})

test('a foreign name, known by its hash, is found in prose and in paths', () => {
  const names = ['before', 'stop'].join('-')
  const path = ['', 'work', 'main', 'src'].join('/')
  const found = foundBy(foreignWords, { 'docs/a.md': `The ${names} hook looks at ${path}.` })
  expect(found).toEqual([`docs/a.md says "${names}"`, expect.stringContaining('docs/a.md says "/')])
})

test('connections that are opened past the doors are found', () => {
  const file = 'src/stages/new.ts'
  const found = (text: string) => foundBy(unheardConnections, { [file]: text })
  expect(found('const pool = new pg.Pool({})')).toEqual([`${file} opens a Pool of its own`])
  expect(found('const client = new Client(url)')).toEqual([`${file} opens a Client of its own`])
  expect(found('const pool = createPool({})')).toEqual([])
  expect(foundBy(unheardConnections, { 'src/postgres.ts': (text) => text })).toEqual([])
})

test('an `or` that would set aside the other conditions of a query is found', () => {
  const file = 'src/control/new.ts'
  const found = (fragment: string) =>
    foundBy(looseAlternatives, {
      [file]: `import { sql } from 'kysely'\nconst a = sql<boolean>\`${fragment}\``,
    })
  const fault = [`${file}:2 has an \`or\` without parentheses`]
  expect(found("errand <> 'rehearse' or updated_at < now()")).toEqual(fault)
  expect(found('(a or b) OR coalesce(c, d)')).toEqual(fault)
  expect(found("(a or (b and c)) and d = 'this or that'")).toEqual([])
  expect(found('order by "or"')).toEqual([])
})
