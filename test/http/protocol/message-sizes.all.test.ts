// Requests and answers of a move over HTTP are bounded by bytes, also where what they are about is
// keys alone: thousands of long ones that are changed and removed while their tenant moves.
import { expect, test } from 'vitest'
import { table } from '../../../src/plan/plan.ts'
import { openAttempts } from '../../helpers/attempts/attempts.ts'
import { storeMoves, stories } from '../../helpers/attempts/stories.ts'
import type { Between } from '../../helpers/http-end.ts'
import { bothEnds, createHttpWorld, type HttpWorld } from '../../helpers/http-world.ts'
import { hearingRounds } from '../../helpers/moments/one-change.ts'
import { onlinePlan } from '../../helpers/way-back.ts'

const mebi = 1024 * 1024
/** Packed: half of 8 MB of rows that wait for one commit, and what JSON adds to them. */
const messageMax = 6 * mebi

/** Hex digits that no packing makes shorter than half. */
const long = `(select string_agg(md5(i || '-' || n), '') from generate_series(1, 78) n)`
const pages = `drop table note_lines, notes, visits;
  create table pages (path text primary key, tenant_id text not null, body text);
  create table links (path text references pages, n int, primary key (path, n))`

test('thousands of long keys pass in messages of less than 6 MB, packed', {
  timeout: 600_000,
}, async () => {
  const sizes = { request: 0, answer: 0 }
  const between: Between = (handler) => async (request, response) => {
    let size = 0
    const add = (chunk: unknown) => {
      if (typeof chunk === 'string' || Buffer.isBuffer(chunk)) size += Buffer.byteLength(chunk)
    }
    const { write, end } = response
    response.write = ((chunk: unknown, ...rest: unknown[]) => {
      add(chunk)
      return Reflect.apply(write, response, [chunk, ...rest])
    }) as typeof write
    response.end = ((chunk: unknown, ...rest: unknown[]) => {
      add(chunk)
      sizes.answer = Math.max(sizes.answer, size)
      return Reflect.apply(end, response, [chunk, ...rest])
    }) as typeof end
    const length = Number(request.headers['content-length'] ?? 0)
    sizes.request = Math.max(sizes.request, length)
    return await handler(request, response)
  }
  await using world = await createHttpWorld({
    ...{ over: bothEnds, both: pages, serve: () => ({ between }), asking: { pageRows: 5_000 } },
    plan: {
      ...{ ...onlinePlan, attempts: 1, fence: { leaseMs: 600_000, drainMs: 10_000 } },
      ...{ chunkRows: 5_000, rollback: { windowMs: 0 } },
      tables: [
        table('tenants', { tenant: 'id' }),
        table('pages'),
        table('links', { through: 'path' }),
      ],
    },
  })
  await world.source.pool.query(`insert into tenants (id, name) values ('acme', 'Name');
    insert into pages select ${long}, 'acme', 'body' from generate_series(1, 4000) i;
    insert into links select path, 1 from pages`)
  await moveWhileChanging(world)
  for (const name of ['pages', 'links']) {
    const query = `select count(*), md5(string_agg(md5(r::text), '' order by r.path collate "C")) from ${name} r`
    const [here, there] = [world.source, world.target].map(({ pool }) => pool.query(query))
    expect([name, (await there)?.rows]).toEqual([name, (await here)?.rows])
  }
  expect(sizes.request).toBeGreaterThan(mebi)
  expect(sizes.request).toBeLessThan(messageMax)
  expect(sizes.answer).toBeLessThan(messageMax)
})

async function moveWhileChanging(world: HttpWorld): Promise<void> {
  await using attempts = openAttempts(world)
  const [move] = await storeMoves(world, stories.move, ['acme'])
  const changes = `delete from links where path in (select ${long} from generate_series(1, 1500) i);
    delete from pages where path in (select ${long} from generate_series(1, 1500) i);
    update pages set body = 'changed'`
  const life = hearingRounds((place) => (place === 0 ? world.source.pool.query(changes) : null))
  await attempts.live(life, move?.id ?? '')
  await attempts.finish(move?.id ?? '')
  const { rows } = await world.control.pool.query(
    'select phase, error_message from rehome_control.moves',
  )
  expect(rows).toEqual([{ phase: 'moved', error_message: null }])
}
