/**
 * Says whether every row is where it has to be. It shares nothing with rehome: it reads whole
 * databases, and knows by their marks whose rows are whose.
 *
 * Invariant: what is expected comes from the shadow, where no tenant moves, and from what was there
 * before. Nothing is expected because rehome says so.
 */
import type { Case, EndName } from './cases/case.ts'
import { name } from './draw/draw.ts'
import { neededShared } from './draw/needed-shared.ts'
import type { Fault } from './fault.ts'
import type { Databases } from './ground.ts'
import { differences, knownShapes, type Line, readWhole, shapesOf } from './whole.ts'

export class Oracle {
  home: EndName = 'source'
  readonly #kase: Case
  readonly #at: Databases
  readonly #moves: (table: string) => boolean
  readonly #needed: ReadonlySet<string>
  /** Rows that do not move. null: as at the shadow. */
  #rest: { source: readonly Line[] | null; target: readonly Line[] }
  /** The copy at the end that is not the home. */
  #old: Record<EndName, readonly Line[]> = { source: [], target: [] }

  private constructor(
    kase: Case,
    at: Databases,
    given: { moves: (table: string) => boolean; target: readonly Line[] },
  ) {
    this.#kase = kase
    this.#at = at
    this.#moves = given.moves
    this.#needed = neededShared(kase)
    this.#rest = { source: null, target: given.target }
  }

  static async open(kase: Case, at: Databases, moves: (table: string) => boolean): Promise<Oracle> {
    const target = await readWhole(at.target, knownShapes(kase))
    return new Oracle(kase, at, { moves, target })
  }

  /** A cutover has been, at some time. */
  get hasMoved(): boolean {
    return this.#rest.source !== null
  }

  /** The tenant has no row that would move. */
  async isEmpty(): Promise<boolean> {
    return !(await this.#read('shadow')).some((line) => this.#isMoving(line))
  }

  /** The tenant's home has become the other end; the old copy stays. */
  async cutOver(): Promise<void> {
    const left = this.home
    const shadow = await this.#read('shadow')
    if (left === 'source') this.#rest.source ??= shadow.filter((line) => !this.#isMoving(line))
    this.#old = { source: [], target: [], [left]: await this.#moving(left) }
    this.home = left === 'source' ? 'target' : 'source'
  }

  /** The old copy has been removed. */
  cleaned(): void {
    this.#old = { source: [], target: [] }
  }

  /** `counted`: triggers of the application's writes may have changed rows without a tenant. */
  async check({ counted = false } = {}): Promise<Fault[]> {
    const faults: Fault[] = []
    const expect = (what: string, wanted: readonly Line[], found: readonly Line[]) => {
      const details = differences(wanted, found)
      if (details.length > 0) faults.push({ what, details })
    }
    const shadow = await this.#read('shadow')
    const shapes = this.home === 'target' ? shapesOf(this.#kase) : new Map()
    const home = shapes.size > 0 ? await readWhole(this.#at.shadow, shapes) : shadow
    const others = (lines: readonly Line[]) =>
      lines.filter((line) => !this.#isMoving(line) && !(counted && line.table === 'counters'))
    await this.#acceptBrought()
    for (const end of ['source', 'target'] as const) {
      const found = await this.#read(end)
      const isHome = end === this.home
      const wanted = isHome ? home.filter((line) => this.#isMoving(line)) : this.#old[end]
      const copy = wanted.length === 0 ? 'a row is left at' : 'the old copy is not as it was at'
      const what = isHome ? `the tenant's rows are not as written at` : copy
      const moving = found.filter((line) => this.#isMoving(line))
      expect(`${what} the ${end}`, wanted, moving)
      const rest = this.#rest[end] ?? shadow
      expect(`a row that does not move was changed at the ${end}`, others(rest), others(found))
      if (counted) this.#remember(end, found)
    }
    return faults
  }

  /**
   * Accepts shared rows that the tenant needs and the target lacked, as the source has them: they
   * may come, and then they stay.
   */
  async #acceptBrought(): Promise<void> {
    const brought = this.#kase.tables.filter((table) => table.brought).map((table) => table.name)
    if (brought.length === 0) return
    const keyOf = ({ table, text }: Line) => `${table} ${text}`
    const before = new Set(this.#rest.target.map(keyOf))
    const shadow = new Set((await readWhole(this.#at.shadow, shapesOf(this.#kase))).map(keyOf))
    const come = (await this.#read('target')).filter((line) => {
      const key = keyOf(line)
      const isNeeded = brought.includes(line.table) && this.#needed.has(line.mark)
      return isNeeded && !before.has(key) && shadow.has(key)
    })
    this.#rest.target = [...this.#rest.target, ...come]
  }

  /** Remembers what triggers have counted: it has to stay so. */
  #remember(end: EndName, found: readonly Line[]): void {
    const lines = found.filter((line) => !this.#isMoving(line))
    if (end === 'target') this.#rest.target = lines
    else if (this.#rest.source) this.#rest.source = lines
  }

  /** The tenant can write at its home and nowhere else; everybody else can write. */
  async checkLocks(): Promise<Fault[]> {
    const faults: Fault[] = []
    for (const end of ['source', 'target'] as const) {
      const lines = await this.#read(end)
      for (const line of firstOfEach(lines, (one) => this.#isMoving(one))) {
        const mayWrite = !this.#isMoving(line) || end === this.home
        const answer = await this.#tryWrite(end, line)
        if (mayWrite ? answer === 'accepted' : answer.startsWith('25006')) continue
        const who = line.owner === 'a' ? 'the tenant' : 'another tenant'
        const what = mayWrite ? `${who} cannot write at` : `${who} can write past the fence at`
        faults.push({
          what: `${what} the ${end}`,
          details: [`${line.table} ${line.mark}: ${answer}`],
        })
      }
    }
    return faults
  }

  async #tryWrite(end: EndName, { schema, table, mark }: Line): Promise<string> {
    const client = await this.#at.application[end].connect()
    try {
      await client.query('begin')
      const at = `${name(schema)}.${name(table)}`
      await client.query(`update ${at} set mark = mark where mark = $1`, [mark])
      return 'accepted'
    } catch (error) {
      const { code, message, hint } = error as { code?: string; message?: string; hint?: string }
      return `${code} ${message} (${hint})`
    } finally {
      await client.query('rollback').catch(() => {})
      client.release()
    }
  }

  async #read(where: 'source' | 'target' | 'shadow'): Promise<Line[]> {
    return await readWhole(this.#at[where], knownShapes(this.#kase))
  }

  #isMoving({ owner, table }: Line): boolean {
    return owner === 'a' && this.#moves(table)
  }

  async #moving(end: EndName): Promise<Line[]> {
    return (await this.#read(end)).filter((line) => this.#isMoving(line))
  }
}

/** One row of the tenant for each table, and one of each other owner. */
function firstOfEach(lines: readonly Line[], isMoving: (line: Line) => boolean): Line[] {
  const first = new Map<string, Line>()
  for (const line of lines) {
    const key = isMoving(line) ? `a ${line.table}` : line.owner
    if (!first.has(key)) first.set(key, line)
  }
  return [...first.values()]
}
