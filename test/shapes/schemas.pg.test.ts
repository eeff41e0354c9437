// Tenants with a schema of their own move offline to a schema at another server, into shared
// tables, and from there. Whole databases are compared, by texts that nothing of ours has made.
import { expect, test } from 'vitest'
import { partOf } from '../helpers/rotation.ts'
import {
  createShapesWorld,
  type EndName,
  type Shape,
  type ShapesWorld,
  tryWriteAs,
} from '../helpers/schemas/shapes.ts'
import { wholeDatabase } from '../helpers/schemas/whole-database.ts'

const tenants = ['acme', 'bystander', `Wild"card's %`]

async function contents({ source, target }: ShapesWorld): Promise<Record<EndName, string[]>> {
  const [atSource, atTarget] = await Promise.all([
    wholeDatabase(source.pool),
    wholeDatabase(target.pool),
  ])
  return { source: atSource, target: atTarget }
}

/** Rows as both shapes have them: without schema and without the tenant's column. */
function plain(rows: readonly string[], tenant: string): string[] {
  const quoted = /[^a-z_]/.test(tenant) ? `"${tenant.replaceAll('"', '""')}"` : tenant
  return rows
    .map((row) => row.replace(/^("(?:[^"]|"")*"|[^.]*)\./, '').replace(`(${quoted},`, '('))
    .sort()
}

/** Those of the tenant in a database of that shape. `number`: by which its ids are known. */
function rowsOf(rows: readonly string[], shape: Shape, number: number): string[] {
  return rows.filter((row) => {
    const first = shape === 'schema' ? /\((\d+),/ : /\((?:"(?:[^"]|"")*",|[a-z][^,]*,)?(\d+),/
    return Math.floor(Number(first.exec(row)?.[1]) / 1000) === number
  })
}

/** From, to, and the number of the tenant: one of them has a hostile name. */
const journeys: readonly (readonly [Shape, Shape, number])[] = [
  ['schema', 'schema', 3],
  ['column', 'schema', 1],
  ['schema', 'column', 1],
]

test.each(partOf(journeys, 2))(
  'a tenant moves from its %s to a %s, back, again, and is cleaned up',
  async (from, to, number) => {
    const shapes = { source: from, target: to }
    await using world = await createShapesWorld({ shapes, tenants })
    expect(await world.rehome.check(world.plan())).toEqual([])
    const tenant = tenants[number - 1] ?? ''
    const before = await contents(world)
    const own = rowsOf(before.source, from, number)
    expect(own).toHaveLength(9 + 40 + 80 + 14)

    const { runId } = await world.move(tenant)
    const moved = await contents(world)
    expect(moved.source).toEqual(before.source)
    const came = moved.target.filter((row) => !before.target.includes(row))
    expect(plain(came, tenant)).toEqual(plain(own, tenant))
    expect(moved.target).toHaveLength(before.target.length + own.length)
    expect(await tryWriteAs(world.source, from, 'bystander')).toBe('accepted')
    expect(await tryWriteAs(world.source, from, tenant)).toBe('25006 rehome:fenced')

    const undone = await world.carry(tenant, () =>
      world.rehome.rollback(runId, { tenants: [tenant], discardWrites: true }),
    )
    expect(undone).toMatchObject({ phase: 'rolled_back' })
    expect(await tryWriteAs(world.target, to, tenant)).toBe('25006 rehome:fenced')
    const cleaned = await world.carry(tenant, () =>
      world.rehome.cleanup(runId, { tenants: [tenant] }),
    )
    expect(cleaned).toMatchObject({ phase: 'cleaned' })
    expect((await contents(world)).target).toEqual(before.target)

    const again = await world.move(tenant)
    await world.carry(tenant, () => world.rehome.cleanup(again.runId, { tenants: [tenant] }))
    const after = await contents(world)
    const unlike = (row: string) => row.replace(/orders .*/, 'orders')
    expect(after.source.map(unlike)).toEqual(
      before.source.filter((row) => !own.includes(row)).map(unlike),
    )
    expect(after.target).toEqual(moved.target)
  },
)
