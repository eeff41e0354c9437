// Where a tenant lives: by its last move and the flags of all ends of some plans.
import { describe, expect, test } from 'vitest'
import { homeAmong, type Standing } from '../../../src/coordinator/fleet/where.ts'
import { endReadOnly, startReadOnly } from '../../../src/ends/postgres/fence/read-only.ts'
import { postgres } from '../../../src/plan/endpoint.ts'
import { byList } from '../../../src/plan/homes/placement.ts'
import { createShapesWorld } from '../../helpers/schemas/shapes.ts'

const end = (place: string, change: Partial<Standing> = {}): Standing => {
  return { place, mode: null, movedTo: null, lapsed: false, readOnly: false, ...change }
}
const gone = (place: string, movedTo: string) => end(place, { mode: 'moved', movedTo })

describe('a home among three ends', () => {
  const accepted = (home: string) => ({ home, writes: 'accepted', reason: null })

  test('is the first one before any move, and the one that flags lead to after it', () => {
    expect(homeAmong([end('a'), end('b'), end('c')], null)).toEqual(accepted('a'))
    expect(homeAmong([gone('a', 'b'), gone('b', 'c'), end('c')], null)).toEqual(accepted('c'))
    expect(homeAmong([end('a'), gone('b', 'a'), end('c')], { home: 'b' })).toEqual(accepted('a'))
  })

  test('is the one of the last move, where ends have been exchanged', () => {
    const swapped = [end('a'), end('b'), end('c')]
    expect(homeAmong(swapped, { home: 'c' })).toEqual(accepted('c'))
  })

  test('refuses writes while it is fenced, not open yet, or read-only as a whole', () => {
    const refusing = (change: Partial<Standing>) => homeAmong([end('a', change), end('b')], null)
    expect(refusing({ mode: 'capturing' })).toEqual(accepted('a'))
    expect(refusing({ mode: 'read_only', lapsed: true })).toEqual(accepted('a'))
    expect(refusing({ mode: 'read_only' })).toMatchObject({ home: 'a', writes: 'refused' })
    expect(refusing({ mode: 'receiving' })).toMatchObject({ home: 'a', writes: 'refused' })
    expect(refusing({ readOnly: true })).toMatchObject({ home: 'a', writes: 'refused' })
  })

  test('is none where flags lead in a circle, or elsewhere', () => {
    const none = { home: null, writes: 'refused', reason: expect.stringMatching(/moved to/) }
    expect(homeAmong([gone('a', 'b'), gone('b', 'a')], null)).toEqual(none)
    expect(homeAmong([gone('a', 'x'), end('b')], null)).toEqual(none)
  })
})

test('a tenant is found at its home before a move, after it, and when it is back', async () => {
  const shapes = { source: 'column', target: 'column' } as const
  await using world = await createShapesWorld({ shapes, tenants: ['acme', 'other'] })
  const plans = [world.plan()]
  const place = (url: string) => `${new URL(url).host}${new URL(url).pathname}`
  const [source, target] = [place(world.source.url), place(world.target.url)]
  const look = async () => {
    const { home, writes, reason, move } = await world.rehome.where(plans, 'acme')
    return { home, writes, reason, phase: move?.phase }
  }
  const open = { writes: 'accepted', reason: null }
  expect(await look()).toEqual({ home: source, ...open, phase: undefined })

  const { runId } = await world.move('acme')
  expect(await look()).toEqual({ home: target, ...open, phase: 'moved' })
  await world.carry('acme', () => world.rehome.cleanup(runId, { tenants: ['acme'] }))
  expect(await look()).toEqual({ home: target, ...open, phase: 'cleaned' })
  const other = await world.rehome.where(plans, 'other')
  expect(other).toMatchObject({ home: source, move: null, ends: [{ mode: null }, { mode: null }] })

  const { runId: second } = await world.move('other')
  await world.carry('other', () =>
    world.rehome.rollback(second, { tenants: ['other'], discardWrites: true }),
  )
  await startReadOnly(world.source.pool, {
    ...{ scope: 'default', reason: 'upgrade', retryAfterS: 5, forMs: null },
  })
  expect(await world.rehome.where(plans, 'other')).toMatchObject({
    home: source,
    writes: 'refused',
    reason: 'the whole application is read-only there',
    move: { phase: 'rolled_back', home: source },
  })
  await endReadOnly(world.source.pool, 'default')
  const asking = (some: typeof plans) => world.rehome.where(some, 'other')
  await expect(asking([])).rejects.toMatchObject({ code: 'USAGE' })
  const billing = world.plan({ scope: 'billing' })
  await expect(asking([...plans, billing])).rejects.toMatchObject({ code: 'USAGE' })
})

test('a tenant that one plan cannot place is found by the others, or has no home and a reason', async () => {
  const shapes = { source: 'column', target: 'column' } as const
  await using world = await createShapesWorld({ shapes, tenants: ['acme', 'other'] })
  const place = (url: string) => `${new URL(url).host}${new URL(url).pathname}`
  const ends = {
    main: postgres({ urlFrom: 'SOURCE_URL' }),
    eu: postgres({ urlFrom: 'TARGET_URL' }),
  }
  const homes = byList({ other: 'eu' })
  const partial = world.plan({
    name: 'partial',
    ends,
    source: homes,
    target: 'main',
    tenants: ['other'],
  })
  const look = (plans: (typeof partial)[], tenant: string) => world.rehome.where(plans, tenant)
  const source = place(world.source.url)
  expect(await look([partial, world.plan()], 'acme')).toMatchObject({ home: source, reason: null })
  const reason = expect.stringContaining('tenant "acme"')
  expect(await look([partial], 'acme')).toMatchObject({ home: null, writes: 'refused', reason })
  expect(await look([partial], 'other')).toMatchObject({ home: place(world.target.url) })
  await world.move('acme')
  expect(await look([partial], 'acme')).toMatchObject({ home: place(world.target.url) })
  const all: string[] = []
  await world.rehome.whereAll([partial, world.plan()], ({ tenant }) => void all.push(tenant))
  expect(all).toEqual(['acme', 'other'])
})
