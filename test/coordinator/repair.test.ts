// What `rehome repair --apply` says: each finding once, as mended or as left.
import { expect, test } from 'vitest'
import type { Diagnosis, Kind } from '../../src/coordinator/doctor/diagnosis.ts'
import { outcome } from '../../src/coordinator/doctor/repair.ts'

const finding = (kind: Kind, message: string, where = 'here'): Diagnosis => {
  return { kind, message, where, mend: '' }
}

const guard = finding('not-installed', 'missing: guard of notes')
const trigger = finding('not-installed', 'missing: guard of tags')
const jobs = finding('job-missing', '3 open moves have no job')
const flag = finding('flag-without-move', '1 flag')

test.each<[string, Diagnosis[], Diagnosis[], [Kind, string][], string[], string[]]>([
  ['all is mended', [guard, jobs], [], [], [guard.message, jobs.message], []],
  ['one of a kind stays', [guard, trigger], [trigger], [], [guard.message], [trigger.message]],
  [
    'a part of it is mended',
    [jobs],
    [{ ...jobs, message: '1 open move' }],
    [],
    [],
    ['1 open move'],
  ],
  ['a repair fails', [jobs], [jobs], [['job-missing', 'no']], [], [jobs.message]],
  ['a failure hides it', [jobs], [flag], [['job-missing', 'no']], [], [flag.message, jobs.message]],
  ['a person decides', [flag], [flag], [], [], [flag.message]],
  ['it comes up meanwhile', [], [guard], [], [], [guard.message]],
  ['another place', [{ ...jobs, where: 'there' }], [jobs], [], [jobs.message], [jobs.message]],
  ['a person mends it', [flag], [], [], [], []],
])('%s', (_, found, after, failures, mended, left) => {
  const result = outcome(found, after, new Map(failures))
  expect(result.repairs.map((one) => one.finding.message)).toEqual(mended)
  expect(result.left.map((one) => one.finding.message)).toEqual(left)
})
