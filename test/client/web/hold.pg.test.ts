// Writes that wait for a fence to fall, on every framework over a real server.
import { describe, expect, test } from 'vitest'
import { createReadOnlyMode } from '../../../src/client/index.ts'
import { frameworks } from '../../helpers/client/apps.ts'
import type { TestHomes } from '../../helpers/client/homes.ts'
import { type Served, serve } from '../../helpers/client/served.ts'
import { eventually } from '../../helpers/eventually.ts'
import { partOf } from '../../helpers/rotation.ts'

/** At the door and after it. */
const held = ({ look, untilWritable }: TestHomes) => ({ look, untilWritable, hold: '30s' })
/** Looks after the handler alone, not before it. */
const later = ({ untilWritable }: TestHomes) => ({ untilWritable, hold: 30_000 })
const short = (homes: TestHomes) => ({ ...held(homes), hold: '60ms' })

const wait = async ({ homes }: Served, count = 1) =>
  await eventually(() => expect(homes.waiting).toBe(count))

/** A client leaves while it waits; once the fence has fallen, another one's write is done. */
async function leaveWaiting(app: Served): Promise<void> {
  const leaving = new AbortController()
  const answer = app.post('/notes', { signal: leaving.signal })
  await wait(app)
  leaving.abort()
  await expect(answer).rejects.toThrow('abort')
  await wait(app, 0)
  await app.mover.lower()
  expect((await app.post('/notes')).status).toBe(201)
}

/** Frameworks that can run a handler twice; the others send the client to the same place again. */
const runsAgain = ['Fastify 5', 'a fetch handler']

// Half of the frameworks with each commit.
describe.each(partOf(Object.entries(frameworks), 2))('a held write on %s', (name, framework) => {
  test('waits at the door, and goes on once it may', async () => {
    await using app = await serve(framework, held)
    const answer = app.post('/notes')
    const second = app.post('/notes?second=1')
    await wait(app, 2)
    expect(app.runs).toEqual([])
    // No other write waits, nor do reads.
    expect((await app.post('/notes', { as: 'beta' })).status).toBe(201)
    expect((await app.post('/reads', { method: 'GET' })).status).toBe(201)
    await app.mover.lower()
    expect([(await answer).status, await (await answer).text()]).toEqual([201, 'saved a note'])
    expect((await second).status).toBe(201)
    expect(app.runs).toHaveLength(4)
  })

  test('is refused once it has waited for long enough', async () => {
    await using app = await serve(framework, short)
    const refused = await app.post('/notes')
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '7'])
    expect(app.runs).toEqual([])
    expect(app.homes.waiting).toBe(0)
  })

  test('is refused at once where the end is unknown, or waiting fails', async () => {
    let asked = 0
    const untilWritable = () => {
      asked += 1
      return Promise.reject(new Error('too many wait'))
    }
    await using app = await serve(framework, ({ look }) => ({ look, untilWritable, hold: '30s' }))
    expect((await app.post('/notes')).status).toBe(503)
    await app.db.pool.query(`update rehome.tenant_flags set reason = 'for good'`)
    expect((await app.post('/notes')).status).toBe(403)
    expect([app.runs, asked]).toEqual([[], 1])
  })

  test('that was refused in the middle waits, and runs once more with its body', async () => {
    await using app = await serve(framework, later)
    const answer = app.post('/notes', { redirect: 'follow' })
    await wait(app)
    expect(app.runs).toHaveLength(1)
    await app.mover.lower()
    expect([(await answer).status, await (await answer).text()]).toEqual([201, 'saved a note'])
    expect((await answer).redirected).toBe(!runsAgain.includes(name))
    expect(app.runs).toEqual([app.runs[0], app.runs[0]])
    const { rows } = await app.db.pool.query(`select hits from visits where day = '2025-01-01'`)
    expect(rows).toEqual([{ hits: 1 }])
  })

  test('runs no third time', async () => {
    const writable = { untilWritable: async () => true, hold: '30s' }
    await using app = await serve(framework, () => writable)
    const again = runsAgain.includes(name) ? undefined : 'rehome-again=1'
    const first = await app.post('/notes')
    if (again) {
      expect([first.status, first.headers.get('location')]).toEqual([307, './notes'])
      expect(first.headers.getSetCookie()).toContainEqual(expect.stringMatching(`^${again};`))
      const second = await app.post('/notes', { headers: { cookie: `a=b; ${again}` } })
      expect(second.status).toBe(503)
      expect(second.headers.getSetCookie()).toContainEqual(expect.stringMatching('Max-Age=0'))
    } else {
      expect(first.status).toBe(503)
    }
    expect(app.runs).toHaveLength(2)
  })

  test('is not run again where the application says so, nor on exempt paths', async () => {
    await using app = await serve(framework, (homes) => ({ ...later(homes), repeat: false }))
    expect((await app.post('/notes')).status).toBe(503)
    await using other = await serve(framework, (homes) => ({
      ...later(homes),
      exempt: [/^\/notes$/g],
    }))
    expect((await other.post('/notes')).status).toBe(503)
    expect((await other.post('/notes')).status).toBe(503)
    expect([app.runs.length, other.runs.length]).toEqual([1, 2])
  })

  test("is not held for another tenant's fence", async () => {
    await using app = await serve(framework, held)
    expect((await app.post('/for-acme', { as: 'beta' })).status).toBe(503)
    expect(app.runs).toHaveLength(1)
  })

  test('stops waiting when its client leaves, and never runs', async () => {
    await using app = await serve(framework, held)
    await leaveWaiting(app)
    expect(app.runs).toHaveLength(1)
    expect(app.errors).toEqual([])
  })

  test('stops waiting in the middle when its client leaves', async () => {
    await using app = await serve(framework, later)
    await leaveWaiting(app)
    expect(app.runs).toHaveLength(2)
  })
})

describe('a hold', () => {
  const tenantOf = () => 'acme'
  const untilWritable = async () => true

  test.each(['5', '5m', '-1s', '', '61s', -1, Number.NaN, 60_001])('cannot be %j', (hold) => {
    const create = () => createReadOnlyMode({ tenantOf, untilWritable, hold })
    expect(create).toThrow(/`hold` is .*|no length of time/)
  })

  test('needs somebody who knows when it ends', () => {
    expect(() => createReadOnlyMode({ tenantOf, hold: '1s' })).toThrow(
      '`hold` needs `untilWritable`',
    )
    expect(() => createReadOnlyMode({ tenantOf, hold: 0 })).not.toThrow()
    expect(() => createReadOnlyMode({ tenantOf, untilWritable, hold: '1.5s' })).not.toThrow()
  })
})
