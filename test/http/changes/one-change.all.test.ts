// One change of each kind at one of the requests of the rounds of a move, of an audit and of a
// rollback, at two ends over HTTP: each commit takes the next request, twenty take all. And an
// application that writes while a request has to wait for 700 ms.
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { eachAtOnce } from '../../helpers/attempts/scene.ts'
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
} from '../../helpers/moments/one-change.ts'
import { repeatedly } from '../../helpers/moments/repeatedly.ts'
import { isInPart } from '../../helpers/rotation.ts'

const places = Array.from({ length: placesEach }, (_, place) => place)

describe('one change', () => {
  const cells = cellsOf(
    kinds.flatMap((kind, i) =>
      places.filter((place) => isInPart(i + place, placesEach)).map((place) => ({ kind, place })),
    ),
  )
  let matrix: Matrix
  let ended: ReadonlyMap<string, unknown>
  beforeAll(async () => {
    matrix = await createMatrix(cells)
    ended = await endCells(matrix, cells)
  }, 600_000)
  afterAll(async () => await matrix[Symbol.asyncDispose]())

  test.each(cells.map((cell) => [cell.kind[0], cell.place, cell] as const))(
    '%s after request %i of a round, and the ends are equal',
    (_kind, _place, { tenant }) => {
      expect(ended.get(tenant)).toEqual({ refused: [] })
    },
  )
})

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

test('a wait between two requests of a round loses nothing of a tenant that writes', {
  timeout: 600_000,
}, async () => {
  const chosen = places.filter((place) => isInPart(place, 4))
  const cells = cellsOf(chosen.map((place) => ({ kind: kindAt(0), place })))
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
