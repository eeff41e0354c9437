/** Steps of catching up, as points take them at the scratch tenant. */

import type { z } from 'zod'
import type { Applied } from '../src/ends/feed.ts'
import { readAnswer } from '../src/ends/http/asking.ts'
import { joinLines } from '../src/ends/http/lines.ts'
import { type applyHead, applyOperation } from '../src/ends/http/protocol/feed-operations.ts'
import { pathOf } from '../src/ends/http/protocol/operations.ts'
import type { Texts } from '../src/ends/tenant-rows.ts'
import type { Answer } from './caller.ts'
import { type Receiving, receiving } from './copied-rows.ts'
import { Broken, Skipped } from './point.ts'
import { type Subject, told } from './subject.ts'
import { keyOf } from './tables.ts'

/** Throws Skipped where the end says that it offers none. */
export async function expectFeed(end: Subject): Promise<void> {
  if ((await end.describe()).feed) return
  throw new Skipped('the end offers no feed')
}

export interface Catching extends Receiving {
  /** Values of the table's key, of its rows. */
  readonly keys: readonly Texts[]
}

/** The scratch tenant's end is claimed, and the first step has come. */
export async function catching(end: Subject): Promise<Catching> {
  await expectFeed(end)
  const at = await receiving(end)
  const { hold, epoch } = at.by
  const checkpoint = { position: 'somewhere', fingerprint: 'conformance', lacking: false, step: 1 }
  await end.ask('writeCheckpoint', { ...hold, epoch, ...checkpoint })
  const places = keyOf(at.table).map((name) => at.columns.indexOf(name))
  return { ...at, keys: at.rows.map((row) => places.map((i) => row[i] ?? null)) }
}

export interface Step {
  readonly step: number
  readonly remove?: readonly Texts[]
  readonly rows?: readonly Texts[]
  readonly undone?: boolean
}

export async function sendStep(end: Subject, at: Catching, taken: Step): Promise<Answer> {
  const { step, remove = [], rows = [], undone = false } = taken
  const { hold, epoch } = at.by
  const head: z.output<typeof applyHead> = {
    ...{ ...hold, epoch, step, table: at.table.name, undone, keep: [] },
    ...{ key: [...keyOf(at.table)], removes: remove.length },
    ...{ parentColumns: [], parents: 0, columns: [...at.columns] },
  }
  const lines = [head, ...remove, ...rows].map((line) => JSON.stringify(line))
  const headers = { 'content-type': 'application/x-ndjson' }
  return await end.send({ path: pathOf('apply'), body: joinLines(lines), headers })
}

/** Throws Broken where it is refused. */
export async function takeStep(end: Subject, at: Catching, taken: Step): Promise<Applied> {
  const answer = await sendStep(end, at, taken)
  if (answer.status !== 200) throw new Broken(`apply: expected 200, and came ${told(answer)}`)
  return readAnswer(applyOperation.result, answer.text, 'the end')
}
