// Background work of a tenant that is fenced in a real database, on real queues.
import { once as event } from 'node:events'
import { setImmediate as turn } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { drainedOf, forEachWritableTenant, whileWritable } from '../../src/client/index.ts'
import { describeOnOneBackend } from '../helpers/backends.ts'
import { homesOf } from '../helpers/client/homes.ts'
import { openQueue, type TenantJob } from '../helpers/client/queues.ts'
import { eventually } from '../helpers/eventually.ts'
import { createFenced } from '../helpers/fence/fenced.ts'
import { createMover } from '../helpers/fence/mover.ts'
import { deferred } from '../helpers/moments/deferred.ts'

const tenantOf = ({ data }: TenantJob) => data.tenant
const insert = `insert into visits values ($1, '2025-01-01', 1)
  on conflict (tenant_id, day) do update set hits = visits.hits + 1`

async function fenced() {
  const db = await createFenced()
  const mover = createMover(db, 'acme')
  await mover.raise()
  const runs: string[] = []
  return {
    db,
    mover,
    runs,
    look: homesOf(db).look,
    async write(tenant: string): Promise<string> {
      runs.push(tenant)
      await db.pool.query(insert, [tenant])
      return 'saved'
    },
    [Symbol.asyncDispose]: () => db[Symbol.asyncDispose](),
  }
}

describeOnOneBackend('a job of a fenced tenant', (backend) => {
  // One attempt: whatever used one up would have failed it.
  const once = { attempts: 1 }

  test.each([
    ['is looked up', 0],
    ['is refused while it runs', 1],
  ])('that %s is delayed without losing an attempt, and done later', async (_, runsBefore) => {
    await using world = await fenced()
    await using app = await openQueue(backend)
    const look = runsBefore === 0 ? world.look : undefined
    const options = { tenantOf, look, delayMs: 50 }
    app.work(whileWritable((job: TenantJob) => world.write(job.data.tenant), options))
    const { id = '' } = await app.queue.add('save', { tenant: 'acme' }, once)
    // It has come back, and was delayed again.
    const job = await eventually(async () => {
      const found = await app.queue.getJob(id)
      expect(found?.attemptsStarted).toBeGreaterThan(2)
      return found
    })
    expect(job?.attemptsMade).toBe(0)
    const other = await app.queue.add('save', { tenant: 'beta' }, once)
    await eventually(async () => expect(await other.getState()).toBe('completed'))
    await world.mover.lower()
    await eventually(async () => expect(await job?.getState()).toBe('completed'))
    const done = await app.queue.getJob(id)
    expect([done?.returnvalue, done?.attemptsMade]).toEqual(['saved', 1])
    const mine = world.runs.filter((tenant) => tenant === 'acme')
    if (runsBefore === 0) expect(mine).toHaveLength(1)
    else expect(mine.length).toBeGreaterThan(2)
    expect([await app.queue.getFailedCount(), app.errors]).toEqual([0, []])
  })

  test('comes back when the fence has said', async () => {
    await using world = await fenced()
    await using app = await openQueue(backend)
    app.work(whileWritable((job: TenantJob) => world.write(job.data.tenant), { tenantOf }))
    const { id = '' } = await app.queue.add('save', { tenant: 'acme' }, once)
    await eventually(async () => {
      const job = await app.queue.getJob(id)
      expect(await job?.getState()).toBe('delayed')
      expect(job?.delay).toBeGreaterThan(6900)
      expect(job?.delay).toBeLessThan(8500)
    })
  })

  test('fails as ever where something else goes wrong, looking included', async () => {
    await using app = await openQueue(backend)
    const look = () => Promise.reject(new Error('no database'))
    const broken = () => Promise.reject(new Error('broken'))
    app.work(whileWritable<TenantJob, string>(broken, { tenantOf, look }))
    const job = await app.queue.add('save', { tenant: 'acme' }, { attempts: 2 })
    await eventually(async () => expect(await job.getState()).toBe('failed'))
    const failed = await app.queue.getJob(job.id ?? '')
    expect([failed?.failedReason, failed?.attemptsMade]).toEqual(['broken', 2])
  })

  test('does not keep a scheduler from adding the next ones', async () => {
    await using world = await fenced()
    await using app = await openQueue(backend)
    const options = { tenantOf, look: world.look, delayMs: 100 }
    app.work(whileWritable((job: TenantJob) => world.write(job.data.tenant), options))
    const every = { every: 100 }
    await app.queue.upsertJobScheduler('tick', every, { data: { tenant: 'acme' }, opts: once })
    await eventually(async () => {
      const delayed = (await app.queue.getDelayed()).filter((job) => job.attemptsStarted > 0)
      expect(new Set(delayed.map((job) => job.id)).size).toBeGreaterThan(2)
    })
    await world.mover.lower()
    await eventually(async () => expect(await app.queue.getCompletedCount()).toBeGreaterThan(5))
    await app.queue.removeJobScheduler('tick')
    expect(await app.queue.getFailedCount()).toBe(0)
  })

  test('receives the signal to end, as every processor does that takes one', async () => {
    await using app = await openQueue(backend)
    const started = deferred()
    const worker = app.work(
      whileWritable<TenantJob, string>(
        async (_job, _token, signal) => {
          started.resolve()
          if (signal) await event(signal, 'abort')
          signal?.throwIfAborted()
          return 'never'
        },
        { tenantOf },
      ),
    )
    const job = await app.queue.add('save', { tenant: 'beta' }, once)
    await started.promise
    worker.cancelJob(job.id ?? '', 'enough')
    await eventually(async () => expect(await job.getState()).toBe('failed'))
  })

  test('is waited for while it is active, and jobs of other tenants are not', async () => {
    await using app = await openQueue(backend)
    const [acme, beta] = [deferred(), deferred()]
    app.work(async ({ data }) => {
      await (data.tenant === 'acme' ? acme : beta).promise
      return 'done'
    })
    await app.queue.addBulk(['beta', 'acme'].map((tenant) => ({ name: 'a', data: { tenant } })))
    await eventually(async () => expect(await app.queue.getActiveCount()).toBe(2))
    const drained = drainedOf(app.queue, tenantOf)
    await drained('gamma')
    const giveUp = new AbortController()
    const givenUp = drained('acme', { signal: giveUp.signal })
    let isDone = false
    const done = drained('acme').then(() => {
      isDone = true
    })
    giveUp.abort(new Error('too long'))
    await expect(givenUp).rejects.toThrow('too long')
    expect(isDone).toBe(false)
    acme.resolve()
    await done
    expect(await app.queue.getActiveCount()).toBe(1)
    beta.resolve()
  })
})

describe('work for every tenant', () => {
  test('skips who is fenced, and says so', async () => {
    await using world = await fenced()
    const tenants = ['beta', 'acme', 'gamma']
    const sweep = await forEachWritableTenant(tenants, world.write, { look: world.look })
    expect(sweep).toEqual({
      done: ['beta', 'gamma'],
      skipped: [{ tenant: 'acme', fence: expect.objectContaining({ tenant: 'acme' }) }],
      failed: [],
    })
    expect(world.runs).toEqual(['beta', 'gamma'])
  })

  test('skips who is refused in its course, and goes on after failures', async () => {
    await using world = await fenced()
    const error = new Error('broken')
    const work = async (tenant: string) => {
      if (tenant === 'gamma') throw error
      await world.write(tenant)
    }
    const look = () => Promise.reject(new Error('no database'))
    const sweep = await forEachWritableTenant(['acme', 'gamma', 'beta'], work, { look })
    expect(sweep).toMatchObject({
      done: ['beta'],
      skipped: [{ tenant: 'acme', fence: { reason: 'test', retryAfterS: 7 } }],
      failed: [{ tenant: 'gamma', error }],
    })
  })

  test('is done for so many at once, whatever lists them', async () => {
    let [listing, now, most] = [0, 0, 0]
    async function* listed() {
      for (let i = 0; i < 20; i += 1) {
        listing += 1
        expect(listing).toBe(1)
        await turn()
        listing -= 1
        yield `tenant ${i}`
      }
    }
    const three = deferred()
    const work = async () => {
      now += 1
      most = Math.max(most, now)
      if (now === 3) three.resolve()
      await three.promise
      now -= 1
    }
    const { done } = await forEachWritableTenant(listed(), work, { concurrency: 3 })
    expect([new Set(done).size, most]).toEqual([20, 3])
    expect((await forEachWritableTenant(new Set(['a']), work)).done).toEqual(['a'])
    expect((await forEachWritableTenant([], work)).done).toEqual([])
  })

  test('asks for no more once the last of them is named', async () => {
    const answers = [{ value: 'a' }, { value: 'b' }, { done: true, value: undefined }]
    const next = async () => answers.shift() ?? expect.fail('asked again')
    const tenants = { [Symbol.asyncIterator]: () => ({ next }) } as AsyncIterable<string>
    const work = async () => {}
    const { done } = await forEachWritableTenant(tenants, work, { concurrency: 4 })
    expect(done).toEqual(['a', 'b'])
  })

  test('ends with what could not list them, after what is under way', async () => {
    async function* broken() {
      yield 'a'
      throw new Error('no tenants')
    }
    const gate = deferred()
    const done: string[] = []
    const work = async (tenant: string) => {
      await gate.promise
      done.push(tenant)
    }
    const sweep = forEachWritableTenant(broken(), work, { concurrency: 4 })
    gate.resolve()
    await expect(sweep).rejects.toThrow('no tenants')
    expect(done).toEqual(['a'])
  })
})
