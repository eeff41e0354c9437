// One change of some kinds at one request of the rounds of a move, of an audit and of a rollback,
// at two ends over HTTP. Every kind at every request has its turn in one-change.all.test.ts.
import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  cellsOf,
  createMatrix,
  endCells,
  kindAt,
  type Matrix,
  placesEach,
} from '../../helpers/moments/one-change.ts'
import { rotation } from '../../helpers/rotation.ts'

const turn = rotation()
const cells = cellsOf(
  [0, 1].map((i) => ({
    kind: kindAt(turn + i * 7),
    place: (turn + i * 11) % placesEach,
  })),
)

let matrix: Matrix
let ended: ReadonlyMap<string, unknown>
beforeAll(async () => {
  matrix = await createMatrix(cells)
  ended = await endCells(matrix, cells)
}, 120_000)
afterAll(async () => await matrix[Symbol.asyncDispose]())

test.each(cells.map((cell) => [cell.kind[0], cell.place, cell] as const))(
  '%s after request %i of a round, and the ends are equal',
  (_kind, _place, { tenant }) => {
    expect(ended.get(tenant)).toEqual({ refused: [] })
  },
)
