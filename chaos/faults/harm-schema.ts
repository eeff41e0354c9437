/** Faults in the schema: what people change while tenants move, and take back again. */
import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'
import type { EndName } from '../../demo/application/ledger.ts'
import type { Random } from '../random.ts'
import { type Ends, endNames } from '../tenants.ts'

export interface SchemaHarm {
  readonly pools: Ends<pg.Pool>
  readonly random: Random
  /** Resolves when the change is to be taken back. */
  readonly lasting: () => Promise<void>
  /** Called before a table of that end is to be locked; returns what to call when that is over. */
  readonly locking: (end: EndName) => () => void
}

const tables = ['entries', 'counters', 'visits'] as const

/** At both ends, one after the other, and dropped in an order of its own. */
export async function changeColumns(harm: SchemaHarm): Promise<string> {
  const { random, lasting } = harm
  const table = random.pick(tables)
  const column = pg.escapeIdentifier(`chaos ${random.between(1, 1_000_000)}`)
  const drop = `alter table ${table} drop column if exists ${column}`
  const order = () => (random.chance(0.5) ? endNames : endNames.toReversed())
  try {
    for (const end of order()) {
      await change(harm, end, `alter table ${table} add column ${column} text default 'new'`)
    }
    await lasting()
  } finally {
    await takenBack(order().map((end) => () => change(harm, end, drop)))
  }
  return `${column} of ${table}`
}

/** No writes occur in between: the table is locked for that long. */
export async function toggleGuard(harm: SchemaHarm): Promise<string> {
  const { random } = harm
  const [end, table] = [random.pick(endNames), random.pick(['entries', 'counters', 'entry_tags'])]
  await change(
    harm,
    end,
    `alter table ${table} disable trigger rehome_insert;
     alter table ${table} enable always trigger rehome_insert`,
  )
  return `the guard of ${table} at the ${end}`
}

/** A partition without writers. */
export async function makePartition(harm: SchemaHarm): Promise<string> {
  const { random, lasting } = harm
  const end = random.pick(endNames)
  const make = `create table visits_2030 partition of visits
    for values from ('2030-01-01') to ('2031-01-01')`
  try {
    await change(harm, end, make)
    await lasting()
  } finally {
    await takenBack([() => change(harm, end, 'drop table if exists visits_2030')])
  }
  return `visits_2030 at the ${end}`
}

/** In one transaction, which waits for writers as briefly as a careful person lets it. */
async function change(
  { pools, locking }: SchemaHarm,
  end: EndName,
  statements: string,
): Promise<void> {
  const client = await pools[end].connect()
  let isFit = false
  const isOver = locking(end)
  try {
    await client.query(`begin; set local lock_timeout = '500ms'; ${statements}; commit`)
    isFit = true
  } finally {
    isOver()
    client.release(!isFit)
  }
}

/** Tries each until it is done: the chaos may not end with a schema that is not its own. */
async function takenBack(works: readonly (() => Promise<void>)[]): Promise<void> {
  for (const work of works) {
    for (let tries = 1; ; tries += 1) {
      const error = await work().then(
        () => null,
        (error: unknown) => error,
      )
      if (error === null) break
      if (tries >= takingBackMax) throw error
      await delay(250)
    }
  }
}

const takingBackMax = 120
