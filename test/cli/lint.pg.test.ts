// `rehome lint` on files: its reports, its exit codes, files that differ from a revision.
import { execFile } from 'node:child_process'
import { symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { rehome } from '../helpers/command.ts'
import { type Folder, openFolder } from '../helpers/processes/folder.ts'

const drop = "SET lock_timeout = '2s';\nDROP TABLE a;\n"
const warning = 'CREATE TABLE b (id int PRIMARY KEY);\n'
let folder: Folder
const write = (name: string, text: string) => folder.write(name, text)

beforeAll(async () => {
  folder = await openFolder('rehome lint ')
})

afterAll(() => folder.remove())

describe('rehome lint', () => {
  test('ends with 3 for an error, with what breaks, the steps, and the page', async () => {
    const { code, out, error } = await rehome(['lint', await write('one/1.sql', drop)])
    expect(code).toBe(3)
    expect(out).toMatch(/1\.sql:2:1 error table-dropped: table "a" is dropped\n/)
    expect(out).toContain('Locks ACCESS EXCLUSIVE on "a" (blocks reads and writes) for an instant')
    expect(out).toContain('docs/schema-changes/table-dropped.md')
    expect(error).toBe('1 error, 0 warnings\n')
  })

  test('ends with 0 for warnings', async () => {
    const { code, error } = await rehome(['lint', await write('two/1.sql', warning)])
    expect([code, error]).toEqual([0, '0 errors, 1 warning\n'])
  })

  test('reads folders in the order of versions, and reports as JSON', async () => {
    await write('three/V10__b.sql', drop)
    await write('three/deep/V2__a.sql', drop)
    await write('three/V2__a.sql', drop)
    await write('three/U2__a.sql', drop)
    await write('three/node_modules/x.sql', drop)
    const { out } = await rehome(['lint', '--json', join(folder.path, 'three')])
    const files = JSON.parse(out).findings.map(({ file }: { file: string }) =>
      file.slice(folder.path.length),
    )
    expect(files).toEqual(['/three/deep/V2__a.sql', '/three/V2__a.sql', '/three/V10__b.sql'])
  })

  test('reads what Windows writes, what links lead to, and settings of Flyway', async () => {
    await write(
      'seven/V1__a.sql',
      'CREATE TYPE a AS ENUM (); CREATE INDEX CONCURRENTLY i ON t (a);',
    )
    await write('seven/V1__a.sql.conf', 'executeInTransaction=false')
    const at = join(folder.path, 'seven')
    await writeFile(join(at, 'V2__b.sql'), `\uFEFF${drop}`, 'utf16le')
    await symlink(join(at, 'V2__b.sql'), join(at, 'V3__c.sql'))
    await symlink('nowhere', join(at, 'V4__d.sql'))
    await symlink('.', join(at, 'loop'))
    const { out } = await rehome(['lint', '--json', at])
    const found = JSON.parse(out).findings.map(({ file, code }: { file: string; code: string }) => {
      return `${file.slice(at.length + 1)} ${code}`
    })
    expect(found).toEqual(['V2__b.sql table-dropped', 'V3__c.sql table-dropped'])
  })

  test('prints annotations of GitHub', async () => {
    const path = await write('four/a,b.sql', drop)
    const { out } = await rehome(['lint', '--format', 'github', path])
    const line =
      /^::error file=.*a%2Cb\.sql,line=2,col=1,title=rehome%3A table-dropped::table "a" is/
    expect(out).toMatch(line)
    expect(out.trim().split('\n')).toHaveLength(1)
  })

  test('prints SARIF', async () => {
    const { code, out } = await rehome([
      'lint',
      '--format',
      'sarif',
      await write('six/1.sql', drop),
    ])
    const { runs } = JSON.parse(out)
    expect([code, runs[0].results[0].ruleId]).toEqual([3, 'table-dropped'])
  })

  test('reports only files that differ from a revision, and knows the schema of the others', async () => {
    const git = async (...args: string[]) =>
      await promisify(execFile)('git', ['-C', join(folder.path, 'five'), ...args])
    await write('five/1.sql', `${drop}CREATE TABLE t (id bigint, a varchar(10));`)
    await git('init', '-q')
    await git('add', '.')
    await git('-c', 'user.name=a', '-c', 'user.email=a@b', 'commit', '-q', '-m', 'first')
    const alter = (type: string) => `ALTER TABLE t ALTER COLUMN a TYPE ${type};\n`
    await write('five/2.sql', `SET lock_timeout = '2s';\n${alter('varchar(20)')}${alter('bytea')}`)
    const since = ['lint', '--json', '--since', 'HEAD', join(folder.path, 'five')]
    const { out } = await rehome(since)
    const { findings, nextSteps } = JSON.parse(out)
    expect(nextSteps).toEqual(['rehome lint --list'])
    const found = findings.map(({ line, code }: { line: number; code: string }) => [line, code])
    expect(found).toEqual([[3, 'column-type-rewrites']])
  })

  test.each([
    [['lint'], 'name files, folders of migrations, or - for standard input'],
    [['lint', 'missing.sql'], '"missing.sql" cannot be read'],
    [['lint', '--assume-version', 'x', 'package.json'], '"x" is no version'],
  ])('%j is a mistake of the call', async (args, message) => {
    const { code, error } = await rehome(args)
    expect([code, error]).toEqual([2, expect.stringContaining(message)])
  })

  test('lists the rules', async () => {
    const { code, out } = await rehome(['lint', '--list'])
    expect([code, out.split('\n').length > 50]).toEqual([0, true])
    expect(out).toMatch(/^column-dropped +error +ACCESS EXCLUSIVE +column … of … is dropped$/m)
  })
})
