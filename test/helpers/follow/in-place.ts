// An online move whose rounds change rows in place, as foreign keys stay on at the target.
import { table } from '../../../src/plan/plan.ts'
import { copyWhileWritten } from '../../../src/stages/copy.ts'
import type { World } from '../world.ts'
import { type Follower, startFollowing } from './following.ts'

export interface InPlace extends AsyncDisposable {
  readonly follower: Follower
  readonly world: World
  /** One after the other, each in a transaction of its own, at the source. */
  write(statements: string): Promise<void>
  /** Each row of the tables there, as text. */
  rows(end: 'source' | 'target'): Promise<string[]>
}

/** The copy is done. `schema`: `seed` fills its `tables` at the source, `there` at the target. */
export async function startInPlace(scene: {
  readonly schema: string
  readonly tables: readonly string[]
  readonly seed: string
  readonly there?: string
}): Promise<InPlace> {
  const { schema, tables, seed, there } = scene
  const plan = {
    tables: tables.map((name) => table(name)),
    exclude: ['tenants', 'notes', 'note_lines', 'visits'],
  }
  const following = await startFollowing([], { schema, plan })
  const { world } = following
  await world.source.pool.query(seed)
  if (there) await world.target.pool.query(there)
  const follower = await following.begin()
  Object.assign(follower.shard.survey, { replicate: false })
  await follower.run(copyWhileWritten)
  const every = tables.map((name) => `select '${name} ' || r::text as row from ${name} r`)
  return {
    ...{ follower, world },
    async write(statements) {
      const all = statements.startsWith('begin') ? [statements] : statements.split(';')
      for (const one of all) await world.source.pool.query(one)
    },
    async rows(end) {
      const query = `${every.join(' union all ')} order by 1`
      return (await world[end].pool.query(query)).rows.map(({ row }: { row: string }) => row)
    },
    [Symbol.asyncDispose]: () => following[Symbol.asyncDispose](),
  }
}
