// One change of each kind at each request of the rounds of a move, of an audit and of a rollback,
// at two ends over HTTP; and an application that writes while a request has to wait for 700 ms.
import { setTimeout as delay } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { eachAtOnce } from '../helpers/attempts/scene.ts'
import {
  type Cell,
  cellsOf,
  createMatrix,
  endCells,
  everythingAt,
  expectPhaseOf,
  hearingRounds,
  kindAt,
  kinds,
  type Matrix,
  placesEach,
  write,
} from '../helpers/one-change.ts'
import { repeatedly } from '../helpers/repeatedly.ts'

const places = Array.from({ length: placesEach }, (_, place) => place)

test.each(kinds.map((kind) => [kind[0], kind] as const))(
  '%s after each request of a round, and the ends are equal',
  { timeout: 600_000 },
  async (_, kind) => {
    const cells = cellsOf(places.map((place) => ({ kind, place })))
    await using matrix = await createMatrix(cells)
    const ended = await endCells(matrix, cells)
    expect(cells.map(({ place, tenant }) => [place, ended.get(tenant)])).toEqual(
      places.map((place) => [place, { refused: [] }]),
    )
  },
)

/** Seven times a second a list with all below it comes, and those that are there change. */
function startWriting(matrix: Matrix, { tenant, first }: Cell): AsyncDisposable {
  let id = 1_000_000 + first * 1_000
  const rows = `tenant_id = '${tenant}'`
  return repeatedly(async () => {
    id += 1
    await write(matrix.world.source.pool, [
      `insert into lists values (${id}, '${tenant}', ${id}, 'new')`,
      `insert into items values (${id}, 1, 'new'), (${id}, 2, 'new')`,
      `insert into marks values (${id}, 1, 'new', 1)`,
    ])
    await write(matrix.world.source.pool, [`update lists set body = body || '!' where ${rows}`])
  }, 140)
}

test('a wait between any two requests of a round loses nothing of a tenant that writes', {
  timeout: 600_000,
}, async () => {
  const cells = cellsOf(places.map((place) => ({ kind: kindAt(0), place })))
  await using matrix = await createMatrix(cells)
  await eachAtOnce(cells, async (cell) => {
    const { tenant, place } = cell
    {
      await using _ = startWriting(matrix, cell)
      const life = hearingRounds((met) => (met === place ? delay(700) : null))
      const id = matrix.moves.get(tenant)?.id ?? ''
      await matrix.attempts.live(life, id)
      await matrix.attempts.finish(id)
    }
    await expectPhaseOf(matrix, tenant, 'moved')
    const target = await everythingAt(matrix, 'target', tenant)
    expect([place, target]).toEqual([place, await everythingAt(matrix, 'source', tenant)])
  })
})
