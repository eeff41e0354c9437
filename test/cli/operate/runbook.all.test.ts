// Every command of docs/operations.md, as it stands there: in a shell, on a real installation that
// is in the state of which its section speaks. Each ends with the exit code that the page says.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { jobIdOf } from '../../../src/queue/jobs.ts'
import { cure, poison } from '../../dashboard/board-world.ts'
import { createDatabase } from '../../helpers/database.ts'
import { eventually } from '../../helpers/eventually.ts'
import { noPoison } from '../../helpers/moves/no-poison.ts'
import { type PlanFile, writePlanFile } from '../../helpers/plans/plan-file.ts'
import { programFile } from '../../helpers/processes/programs.ts'
import { ended, moveOf, tryWrite } from '../../helpers/runs.ts'
import { blocksOf, commandsOf } from '../../helpers/tidy/page-commands.ts'
import { createWorld, installPlans, type World } from '../../helpers/world.ts'

interface Scene {
  readonly world: World
  readonly file: PlanFile
  runId: string
}

interface Story {
  /** Fields of the plan. */
  readonly plan?: string
  /** Tenants to move. Default: acme, which is `$TENANT`. */
  readonly tenants?: readonly string[]
  /** Brings about what somebody sees. Default: enqueues the run. */
  readonly see?: (scene: Scene) => Promise<unknown>
  /** Steps that people take besides, before the command that begins like this. */
  readonly before?: Readonly<Record<string, (scene: Scene) => Promise<unknown>>>
}

async function enqueue(scene: Scene, options: { until?: 'verify' } = {}): Promise<void> {
  scene.runId = (await scene.world.rehome.enqueue(scene.file.plan, options)).runId ?? ''
}

/** A worker, and a run that has come to its end. */
async function moved(scene: Scene): Promise<void> {
  await scene.world.work([scene.file.plan])
  await enqueue(scene)
  await ended(scene.world, scene.runId)
}

async function untouched({ world }: Scene): Promise<void> {
  const old = `now() - interval '1 h'`
  const query = `update rehome_control.moves set updated_at = ${old}, not_before = ${old}`
  await world.control.pool.query(query)
}

const stories: Readonly<Record<string, Story>> = {
  'Before a run, and each morning': { see: async () => {} },
  'A run does not begin': { before: { 'rehome doctor': untouched } },
  'A tenant has failed': {
    see: async (scene) => {
      await poison(scene.world, 'acme')
      await moved(scene)
    },
    before: { 'rehome retry': ({ world }) => cure(world) },
  },
  'Many tenants fail alike': {
    tenants: ['acme', 'bad', 'later'],
    see: async (scene) => {
      const { world, file } = scene
      await Promise.all(['acme', 'bad'].map((tenant) => poison(world, tenant)))
      await enqueue(scene)
      await world.rehome.pause(scene.runId, { tenants: ['later'], by: 'tester' })
      await world.work([file.plan])
      for (const tenant of ['acme', 'bad']) await phaseIs(scene, tenant, 'failed')
    },
    before: { 'rehome resume': ({ world }) => cure(world) },
  },
  'Writes of a tenant are refused for too long': {},
  'The databases need a rest': {},
  'A tenant has to come back': {
    plan: 'rollback: { windowMs: 0 }',
    see: moved,
    before: {
      'rehome rollback "$RUN" --tenant "$TENANT" --reason \'asked': async ({ world }) =>
        expect(await tryWrite(world, 'target', 'acme')).toBe('accepted'),
    },
  },
  'A wave waits for approval': {
    plan: `waves: [{ tenants: ['acme'], approve: true }, { rest: true }]`,
    tenants: ['acme', 'later'],
    see: async (scene) => {
      await scene.world.work([scene.file.plan])
      await enqueue(scene)
      await phaseIs(scene, 'acme', 'moved')
    },
  },
  'Tenants are held before their cutover': {
    see: (scene) => enqueue(scene, { until: 'verify' }),
  },
  'Moves have no jobs, or something is not installed': {
    see: async (scene) => {
      const { world } = scene
      await enqueue(scene)
      const { move } = await world.rehome.show(scene.runId, 'acme')
      await world.rehome.queues.byErrand.move.remove(jobIdOf(move))
      await world.source.pool.query('alter table notes disable trigger user')
      await untouched(scene)
    },
  },
  'It is in doubt which copy is right': { see: moved },
  'Old copies take room': { plan: 'rollback: { windowMs: 600_000 }', see: moved },
  'Nothing is heard of a run': {},
  Reports: { see: moved },
}

async function phaseIs({ world, runId }: Scene, tenant: string, phase: string): Promise<void> {
  await eventually(async () => expect((await moveOf(world, runId, tenant)).phase).toBe(phase))
}

const page = await readFile('docs/operations.md', 'utf8')
const blocks = blocksOf(page)
const inShell = blocks.filter(({ language }) => language === 'sh')

let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rehome-'))
  const program = `#!/bin/sh\nexec "${process.execPath}" "${programFile('dev/rehome.ts')}" "$@"\n`
  await writeFile(join(folder, 'rehome'), program)
  await chmod(join(folder, 'rehome'), 0o755)
})
afterAll(() => rm(folder, { recursive: true }))

test('every section with commands has its story', () => {
  expect(inShell.map(({ heading }) => heading)).toEqual(Object.keys(stories))
})

describe('the commands of a section end as the page says', () => {
  test.each(inShell)(
    '$heading',
    async (block) => {
      const story = stories[block.heading]
      if (!story) throw new Error('a section without a story')
      const { plan = '', tenants = ['acme'], see = enqueue, before = {} } = story
      await using file = await writePlanFile('sql`select id from tenants order by id`', plan)
      await using world = await createWorld({ target: noPoison })
      await installPlans(world, [file.plan])
      for (const tenant of tenants) await world.addTenant(tenant, 3)
      const scene: Scene = { world, file, runId: '' }
      await see(scene)
      for (const { text, exitCode } of commandsOf(block)) {
        const [, act] = Object.entries(before).find(([start]) => text.startsWith(start)) ?? []
        await act?.(scene)
        const { code, said } = await inBash(text, scene)
        expect(code, `${text}\n${said}`).toBe(exitCode)
      }
    },
    120_000,
  )
})

/** A worker is stopped once the run is over, as its user would. */
async function inBash(text: string, { world, file, runId }: Scene) {
  const env = {
    ...world.environment,
    ...{ HOME: folder, PATH: `${folder}:${process.env.PATH}`, LOG_LEVEL: 'warn' },
    ...{ PLAN: file.path, RUN: runId, TENANT: 'acme' },
  }
  const child = spawn('bash', ['-c', text], { cwd: folder, env })
  let said = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (bytes) => {
      said += bytes
    })
  }
  const closed = once(child, 'close')
  if (text.startsWith('rehome worker')) {
    await ended(world, runId)
    child.kill('SIGTERM')
  }
  const [code] = await closed
  return { code: Number(code), said }
}

test('the statements run, and give what the page says', async () => {
  await using database = await createDatabase()
  const statements = blocks.filter(({ language }) => language === 'sql')
  const client = await database.pool.connect()
  try {
    // Roles belong to the whole server: they go with the transaction.
    await client.query('begin; create role owner_role; create role mover_role')
    await client.query('create role application_role')
    for (const { lines } of statements) {
      const text = lines.join('\n').replaceAll('database app', `database "${database.name}"`)
      await client.query(text)
    }
    const may = `select has_function_privilege('mover_role', p, 'execute') as mover,
        has_function_privilege('application_role', p, 'execute') as application,
        has_schema_privilege('application_role', 'public', 'create') as creates
      from (values ('pg_advisory_xact_lock(int, int)')) f(p)`
    expect((await client.query(may)).rows).toEqual([
      { mover: true, application: false, creates: false },
    ])
    expect(statements.length).toBe(3)
  } finally {
    await client.query('rollback')
    client.release()
  }
})
