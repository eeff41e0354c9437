// Mistakes and outages: one clear line, the right exit code, no stack, nothing changed, no
// password.
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { rehome } from '../helpers/command.ts'
import { createWorld, type World } from '../helpers/world.ts'

const password = 'Unmistakable-Pa55word'
let world: World
let folder = ''
let plan = ''

const text = (changes = '') => `
  import { definePlan, postgres, table } from 'rehome'
  export default definePlan({
    name: 'small', source: postgres({ urlFrom: 'SOURCE_URL' }),
    target: postgres({ urlFrom: 'TARGET_URL' }), tenants: ['acme'],
    tables: [table('tenants', { tenant: 'id' }), table('notes'), table('visits'),
      table('note_lines', { through: 'note_id' })], ${changes} })`

async function planFile(name: string, content: string): Promise<string> {
  const path = join(folder, name)
  await writeFile(path, content)
  return path
}

beforeAll(async () => {
  world = await createWorld()
  await world.addTenant('acme')
  // Inside the project, so that a plan's own import of it is found as a user's would be.
  await mkdir('.rehome', { recursive: true })
  folder = await mkdtemp(join(process.cwd(), '.rehome', 'plans-'))
  plan = await planFile('plan.ts', text())
})

afterAll(async () => {
  await rm(folder, { recursive: true })
  await world[Symbol.asyncDispose]()
})

const wrong = (url: string | undefined, change: (parsed: URL) => void) => {
  const parsed = new URL(url ?? '')
  parsed.password = password
  change(parsed)
  return parsed.href
}

type Case = [string, () => Promise<{ args: string[]; env?: NodeJS.ProcessEnv }>, number, RegExp]

const cases: Case[] = [
  [
    'a source that is down',
    async () => ({
      args: ['check', plan],
      env: {
        SOURCE_URL: wrong(world.source.url, (url) => {
          url.port = '1'
        }),
      },
    }),
    6,
    /^rehome: UNREACHABLE: the source .*ECONNREFUSED/,
  ],
  [
    'a wrong password',
    async () => ({
      args: ['check', plan],
      env: {
        TARGET_URL: wrong(world.target.url, () => {}),
      },
    }),
    6,
    /ACCESS_DENIED: the target .*password/,
  ],
  [
    'a control database that does not exist',
    async () => ({
      args: ['status'],
      env: {
        CONTROL_URL: wrong(world.control.url, (url) => {
          url.pathname = '/nowhere'
          url.password = new URL(world.control.url).password
        }),
      },
    }),
    6,
    /ACCESS_DENIED: .*"nowhere" does not exist/,
  ],
  [
    'a Redis that is down',
    async () => ({
      args: ['enqueue', plan],
      env: {
        REDIS_URL: `redis://:${password}@127.0.0.1:1`,
      },
    }),
    6,
    /UNREACHABLE: Redis is out of reach: connect ECONNREFUSED/,
  ],
  [
    'a worker without its Redis',
    async () => ({
      args: ['worker', plan],
      env: {
        REDIS_URL: `redis://:${password}@127.0.0.1:1`,
        LOG_LEVEL: 'silent',
      },
    }),
    6,
    /UNREACHABLE: Redis/,
  ],
  [
    'a variable that is not set',
    async () => ({ args: ['check', plan], env: { SOURCE_URL: '' } }),
    2,
    /SETTING_MISSING: .*SOURCE_URL/,
  ],
  [
    'a missing plan file',
    async () => ({ args: ['check', 'nowhere.ts'] }),
    2,
    /PLAN_UNREADABLE: plan file "nowhere.ts"/,
  ],
  [
    'a plan file with a syntax error',
    async () => ({ args: ['check', await planFile('bad.ts', 'export default {')] }),
    2,
    /PLAN_UNREADABLE: plan file ".*bad\.ts": .*bad\.ts, line 1: `export default \{`/,
  ],
  [
    'a plan file without a default export',
    async () => ({ args: ['check', await planFile('none.ts', 'export const a = 1')] }),
    2,
    /no default export/,
  ],
  [
    'a misspelt field',
    async () => ({ args: ['check', await planFile('typo.ts', text('chunkRow: 5'))] }),
    2,
    /PLAN_INVALID: .*unknown `chunkRow`/,
  ],
  [
    'several mistakes in a plan',
    async () => ({
      args: ['check', await planFile('two.ts', text('attempts: 0, scope: "", backoffMs: -1'))],
    }),
    2,
    /^rehome: PLAN_INVALID: 3 mistakes\n( {2}plan field `(scope|attempts|backoffMs)`.*\n){3}$/,
  ],
  [
    'a table that does not exist',
    async () => ({
      args: ['enqueue', await planFile('table.ts', text().replace("'visits'", "'visitz'"))],
    }),
    3,
    /PREFLIGHT_FAILED: table "visitz": does not exist/,
  ],
  [
    'an unknown tenant',
    async () => ({ args: ['enqueue', plan, '--tenant', 'nobody'] }),
    2,
    /TENANT_UNKNOWN: .*"nobody"/,
  ],
  [
    'a tenant id that is SQL',
    async () => ({ args: ['enqueue', plan, '--tenant', "'; drop table notes; --"] }),
    2,
    /TENANT_UNKNOWN/,
  ],
  [
    '4 kB of emoji',
    async () => ({ args: ['enqueue', plan, '--tenant', '🏠'.repeat(1024)] }),
    2,
    /TENANT_ID_INVALID: .* has 4096 bytes, and 1024 is the most/,
  ],
  [
    'an empty tenant id',
    async () => ({ args: ['enqueue', plan, '--tenant', ''] }),
    2,
    /TENANT_ID_INVALID: a tenant id is empty/,
  ],
  [
    'a tenant id that plays with the terminal',
    async () => ({ args: ['enqueue', plan, '--tenant', '\u001b[2Jx\ny'] }),
    2,
    /TENANT_UNKNOWN: .*"\\u001b\[2Jx\\ny"/,
  ],
  [
    'an unknown run',
    async () => ({ args: ['show', 'nope', 'acme'] }),
    2,
    /RUN_UNKNOWN: run "nope"/,
  ],
  [
    'a rollback without tenants',
    async () => ({ args: ['rollback', 'nope'] }),
    2,
    /USAGE: name the tenants with --tenant/,
  ],
  [
    'a value that its option cannot have',
    async () => ({ args: ['enqueue', plan, '--limit', '0'] }),
    2,
    /USAGE: --limit: "0" is too small/,
  ],
  ['an unknown command', async () => ({ args: ['frobnicate'] }), 2, /unknown command 'frobnicate'/],
  [
    'an unknown option',
    async () => ({ args: ['status', '--jason'] }),
    2,
    /unknown option '--jason'/,
  ],
]

test.concurrent.each(cases)('%s', async (_, prepare, exitCode, message) => {
  const { args, env } = await prepare()
  const { code, out, error } = await rehome(args, { ...world.environment, ...env })
  expect(error).toMatch(message)
  expect([code, out]).toEqual([exitCode, ''])
  expect(error).not.toMatch(/^ {4}at /m)
  expect(error.trim().split('\n').length).toBeLessThanOrEqual(4)
  expect(error).not.toContain(password)
  expect(await world.rehome.runs()).toEqual([])
})
