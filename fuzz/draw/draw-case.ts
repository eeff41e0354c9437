/** One case: everything in it comes from its seed and its number. */
import type { Case, Piece, Story } from '../cases/case.ts'
import { type Drawing, inSchema } from './draft.ts'
import { randomOfCase, weighted } from './draw.ts'
import { drawAbsent, drawBrought } from './draw-brought.ts'
import { drawExtras } from './draw-extras.ts'
import {
  drawConstraints,
  drawIndexes,
  drawReactions,
  positionsOf,
  sequencePieces,
} from './draw-reactions.ts'
import { closeCycles, drawRows, tenantIdsOf } from './draw-rows.ts'
import { inShapes } from './draw-shapes.ts'
import { drawProbes, drawStory } from './draw-story.ts'
import {
  drawCycle,
  drawOutside,
  drawReferred,
  drawRoot,
  drawShared,
  drawTable,
} from './draw-tables.ts'
import { drawWayIndexes } from './draw-ways.ts'
import type { Rows } from './parents.ts'
import { type KeyKind, keyKinds, pieces } from './types.ts'

export function drawCase(seed: number, number: number): Case {
  const random = randomOfCase(seed, number, 'case')
  const tenantKind = weighted<KeyKind>(random, {
    text: 5,
    uuid: 3,
    int: 2,
    bigint: 2,
    varchar: 1,
    folded: 0.1,
  } as Record<KeyKind, number>)
  const schema = weighted(random, { public: 4, app: 2, 'My App': 1 })
  const drawing: Drawing = {
    ...{ random, schema, tenantKind, drafts: [], constraints: [], needed: new Set() },
  }
  if (random.chance(0.8)) drawRoot(drawing)
  for (let i = random.between(0, 2); i > 0; i -= 1) drawShared(drawing, i)
  for (let i = 0, count = random.between(1, 5); i < count; i += 1) drawTable(drawing, i)
  if (random.chance(0.3)) drawReferred(drawing)
  if (random.chance(0.15)) drawCycle(drawing)
  if (random.chance(0.1)) drawOutside(drawing)
  drawConstraints(drawing)
  drawBrought(drawing)
  const tenantIds = tenantIdsOf(drawing)
  const rows: Rows = {
    ...{ all: [], numbers: new Map(), needs: new Map(), tenantIds, next: 0 },
    strays: random.chance(0.05),
    crosses: random.chance(0.05),
  }
  drawRows(drawing, rows)
  closeCycles(drawing, rows)
  drawAbsent(drawing, rows)
  const seeded = [...rows.all]
  const { prelude: counters, reactions } = drawReactions(drawing)
  const parted = random.chance(0.5)
  const positions = positionsOf(drawing, rows, { parted })
  const later: Rows = { ...rows, strays: false, crosses: false }
  const story = fitting(drawing, { ...drawStory(drawing, later), parted })
  const probes = drawProbes(drawing, { ...later, all: seeded })
  const tables = drawing.drafts.map(({ table }) => table)
  return inShapes({
    ...{ seed, number, schema, tenantIds, tables, rows: seeded, constraints: drawing.constraints },
    prelude: [...preludeOf(drawing), ...counters],
    reactions: [
      ...drawWayIndexes(drawing),
      ...drawIndexes(drawing),
      ...drawExtras(drawing),
      ...reactions,
    ],
    ...{ positions, probes, story },
  })
}

/** A story with a role that switches keys off, where tables need one. */
function fitting({ drafts }: Drawing, story: Story): Story {
  const isReferred = drafts.some(({ table }) => table.referredBy.length > 0)
  const isRenumbered = drafts.some(({ table }) => table.knownBy !== null)
  // Changed rows come in place between two databases only, and shared rows do not.
  const isInPlace = story.role === 'plain' && story.windowMs > 0
  const isBrought = drafts.some(({ table }) => table.brought)
  const needsRight = isReferred || (isInPlace && isBrought)
  return {
    ...story,
    ...(needsRight && story.role === 'plain' && { role: 'replicating' }),
    // Other ids at each end are made by SQL.
    ...((isRenumbered || isInPlace) && { over: [] }),
  }
}

function preludeOf({ needed, schema, tenantKind }: Drawing): Piece[] {
  const own = sequencePieces(schema, inSchema(schema, keyKinds[tenantKind].type))
  const all = { ...pieces, ...own }
  const names = Object.keys(all).filter((piece) => needed.has(piece))
  return names.map((piece) => {
    const { source = '', target = '' } = all[piece] ?? {}
    return {
      name: piece,
      of: null,
      source: inSchema(schema, source),
      target: inSchema(schema, target),
    }
  })
}
