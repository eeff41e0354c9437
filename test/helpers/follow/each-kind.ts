// What each way of following changes has to bear: each kind of change alone, at one moment of an
// online move that is driven stage by stage; then both ends are compared, by the product and by
// what stands in them.
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { RemoteCall } from '../../../src/calls.ts'
import { copyWhileWritten } from '../../../src/stages/copy.ts'
import type { EndName } from '../http-world.ts'
import { createWriter } from '../moments/writes-between.ts'
import { rowsAt } from '../runs.ts'
import { followedChanges } from './changes.ts'
import { type Follower, type Following, reset, startFollowing } from './following.ts'

/** Before the copy, in its midst, after it, and in the midst of rounds that bring or compare. */
const moments = [
  'before the copy',
  'while it copies',
  'after the copy',
  'while a round reads',
  'while it compares',
] as const
type Moment = (typeof moments)[number]

export interface Way {
  /** Which ends are asked over HTTP. */
  readonly over: readonly EndName[]
  /** Which of the kinds, by their place. */
  readonly takes: (place: number) => boolean
  /** Which moment is the first kind's. */
  readonly first: number
  /** Foreign keys stay on at the target. */
  readonly inPlace?: boolean
}

export function followEachKind({ over, takes, first, inPlace = false }: Way): void {
  let following: Following
  let write: (statements: readonly string[]) => string
  beforeAll(async () => {
    following = await startFollowing(over)
    write = createWriter(following.world.source.url)
  })
  afterAll(() => following[Symbol.asyncDispose]())
  const isRepeated = ({ title }: { readonly title: string }) =>
    repeatable.has(title) && !(inPlace && exchanging.has(title))
  const begin = async () => {
    const follower = await following.begin()
    if (inPlace) Object.assign(follower.shard.survey, { replicate: false })
    return follower
  }

  const all = followedChanges.map(([title, ...statements], i) => {
    return { title, statements, moment: moments[(i + first) % moments.length] as Moment }
  })
  const kinds = all.filter(({ title }, i) => takes(i) && !(inPlace && exchanging.has(title)))

  for (const { title, statements, moment } of kinds) {
    test(`${title}, written ${moment}, is at the target afterwards`, async () => {
      const { world } = following
      await reset(world)
      await addStranger(world)
      const before = await rowsAt(world, 'source', 'acme')
      const follower = await begin()
      const writing = { moment, touch: () => write(touches), write: () => write(statements) }
      const said = await writeAt(follower, writing)
      expect(said).toBe('accepted')
      await follower.settle()
      const rows = await rowsAt(world, 'source', 'acme')
      expect(rows).not.toEqual(before)
      expect(await rowsAt(world, 'target', 'acme')).toEqual(rows)
      expect(await rowsAt(world, 'target', 'beta')).toEqual([])
      expect(await rowsAt(world, 'target', 'gamma')).toEqual(strangers)
    })
  }

  test('kinds of changes one after the other, each with a round of its own, are followed', async () => {
    const { world } = following
    await reset(world)
    const follower = await begin()
    await follower.run(copyWhileWritten)
    for (const { title, statements } of all.filter(isRepeated)) {
      expect([title, write(statements)]).toEqual([title, 'accepted'])
      await follower.round('changes')
      expect(await rowsAt(world, 'target', 'acme')).toEqual(await rowsAt(world, 'source', 'acme'))
    }
    expect(await follower.round('everything')).toMatchObject({ changes: 0, brought: 0 })
  })
}

/** They would have to come at once, where foreign keys stay on. */
const exchanging = new Set([
  'values that two rows exchange',
  'values that go round among three rows',
])

/** They leave what those after them need. */
const repeatable = new Set([
  'an update',
  'an update of everything',
  'a delete',
  'a changed row, through its parent',
  'a row written into a partition',
  'values that two rows exchange',
  'NULL and what is empty',
  'the root itself',
  'the key of a child',
])

const strangers = ['tenants (gamma,Gamma,calm)', 'visits (gamma,2026-01-01,1)']

/** A tenant who lives at the target already. */
async function addStranger({ target }: Following['world']): Promise<void> {
  await target.pool.query(`insert into tenants values ('gamma', 'Gamma');
    insert into visits values ('gamma', '2026-01-01', 1)`)
}

interface Writing {
  readonly moment: Moment
  /** Changes something of each table, so that a round has something to bring. */
  readonly touch: () => string
  readonly write: () => string
}

/** Brings the attempt through its copy, and writes at that moment. */
async function writeAt(follower: Follower, { moment, touch, write }: Writing): Promise<string> {
  if (moment === 'before the copy') {
    const said = write()
    await follower.run(copyWhileWritten)
    return said
  }
  if (moment === 'while it copies') {
    return await midst(reads, write, () => follower.run(copyWhileWritten))
  }
  await follower.run(copyWhileWritten)
  if (moment === 'after the copy') return write()
  if (moment === 'while a round reads') {
    expect(touch()).toBe('accepted')
    return await midst(readsChanges, write, () => follower.round('changes').then(() => {}))
  }
  const said = await midst(compares, write, () => follower.round('everything').then(() => {}))
  await follower.round('nothing')
  return said
}

/** A table, or a page of one, is about to be read at the source. */
const reads = ({ moment, phase, to, text }: RemoteCall) =>
  moment === 'before' &&
  phase === 'copy' &&
  to === 'source' &&
  /rows\/read$|to stdout|^\s*select [\s\S]* r where /i.test(text)
const touches = [
  `update notes set body = body || '.' where tenant_id = 'acme' and id > 8`,
  `update visits set hits = hits + 10 where tenant_id = 'acme' and hits < 3`,
]
/** The log was read, or rows that have changed. */
const readsChanges = ({ moment, to, text }: RemoteCall) =>
  moment === 'after' && to === 'source' && /feed\/changes$|rehome_log/.test(text)
/** Some rows have been compared. */
const compares = ({ moment, text }: RemoteCall) =>
  moment === 'after' && /rows\/digest|count\(\*\)::text as rows/.test(text)

/** Writes once, when the second such call is made. */
async function midst(
  when: (call: RemoteCall) => boolean,
  write: () => string,
  work: () => Promise<void>,
): Promise<string> {
  let calls = 0
  let said = 'never written'
  const hear = (message: unknown) => {
    if (!when(message as RemoteCall)) return
    calls += 1
    if (calls === 2) said = write()
  }
  subscribe('rehome:call', hear)
  try {
    await work()
  } finally {
    unsubscribe('rehome:call', hear)
  }
  return said
}
