/**
 * One state of the model: what two ends, the control database, workers, the application's writers
 * and the truth behind them hold at one instant, as bytes under names.
 *
 * Numbers, not objects, so that a state is copied, compared and remembered as a short text. Equal
 * situations have equal texts: epochs are renumbered in the order in which they stand, and workers
 * stand in the order of their attempts.
 */

export const source = 0
export const target = 1
export const ends = [source, target] as const
export const endNames = ['the source', 'the target'] as const

/** tenant_flags.mode; `none` is a tenant without a row. */
export const mode = { none: 0, readOnly: 1, receiving: 2, moved: 3, capturing: 4 } as const
export const errand = { move: 1, rollback: 2 } as const
/**
 * moves.phase, as far as anybody decides by it: `drain` stands for drain, copy and verify, and
 * `undoFence` for all from undo_catch_up to undo_final_catch_up, and withdraw. An online move is
 * in `fence` from its capture on.
 */
export const phase = {
  queued: 1,
  preflight: 2,
  fence: 3,
  drain: 4,
  cutover: 5,
  release: 6,
  moved: 7,
  failed: 8,
  undoFence: 9,
  undoCutover: 10,
  undoRelease: 11,
  rolledBack: 12,
} as const

/**
 * `deleter`: 1 + the writer whose open transaction has deleted the flag. `turn`, `swept`: the
 * newest attempt that took its turn here, and that has ended the transactions of earlier ones.
 * `rows`: a set of writes, one bit each. `copied`, `done`: copy_progress under `copyEpoch`.
 * `window`: capture_until is to come. `opensLogged`: capture_ms is set. `log`: writes that are in
 * the log of this end. `seen`: writes at the other end whose changes are here, under
 * `checkpointEpoch`.
 */
const endFields = [
  'mode',
  'token',
  'epoch',
  'lapsed',
  'openedBy',
  'move',
  'deleter',
  'rows',
  'copyEpoch',
  'copied',
  'done',
  'window',
  'opensLogged',
  'log',
  'seen',
  'checkpointEpoch',
  'turn',
  'swept',
] as const
/** `token`: who may go on, 0 after somebody asked for another errand. `online`: by such a plan. */
const controlFields = [
  'phase',
  'open',
  'errand',
  'fallback',
  'token',
  'attempts',
  'epoch',
  'move',
  'online',
] as const
/**
 * One attempt. `at`: its next step, 0 for a free place. `phase`, `fallback`: as it was claimed.
 * `locked`: 1 + the end where it holds the flag's row in an open transaction. `lease`: 1 + the end
 * whose fence it renews. `waits`: the writers that it waits for. `memory`: what one step tells
 * the next. `read`: the changes that it has read. `stopped`: its worker was stopped.
 */
const moverFields = [
  'at',
  'attempt',
  'move',
  'errand',
  'phase',
  'fallback',
  'epoch',
  'locked',
  'lease',
  'waits',
  'memory',
  'read',
  'stopped',
] as const
/**
 * `at`: 0 idle, 1 in its transaction before the guard has decided, 2 let in. `stale`: the bucket
 * was changed since its snapshot. `sees`: its snapshot has no flag (0), the flag as it is (1), or
 * as it was before a change (2), and `saw` its mode. `logs`: its write goes into the log. `left`:
 * writes that it has not made yet.
 */
const writerFields = ['at', 'end', 'stale', 'sees', 'saw', 'logs', 'left'] as const
/** A key that the application received, and the end that it will open with it. */
const appFields = ['key', 'end'] as const
/**
 * The truth. `home` changes with the commit of a cutover and with nothing else. `committed`: every
 * acknowledged write. `known`: the target was closed by us at some time, or is the home; before
 * that a write there is none that rehome could know of.
 */
const truthFields = ['home', 'committed', 'known'] as const

export type View<Field extends string> = Record<Field, number> & { clear(): void }
export type End = View<(typeof endFields)[number]>
export type Mover = View<(typeof moverFields)[number]>
export type Writer = View<(typeof writerFields)[number]>

/** The third place is for the attempt that shows that the others left nothing in its way. */
const moverPlaces = 3
const writerPlaces = 2

const endsAt = 0
const controlAt = endsAt + 2 * endFields.length
const moversAt = controlAt + controlFields.length
const writersAt = moversAt + moverPlaces * moverFields.length
const appAt = writersAt + writerPlaces * writerFields.length
const truthAt = appAt + appFields.length
const size = truthAt + truthFields.length

type ViewClass<V> = new (bytes: Uint8Array, offset: number) => V

/** A class with an accessor a field: fast, because all its views have one shape. */
function viewOf<Field extends string>(fields: readonly Field[]): ViewClass<View<Field>> {
  class Fields {
    readonly bytes: Uint8Array
    readonly offset: number
    constructor(bytes: Uint8Array, offset: number) {
      this.bytes = bytes
      this.offset = offset
    }
    clear(): void {
      this.bytes.fill(0, this.offset, this.offset + fields.length)
    }
  }
  fields.forEach((field, i) => {
    Object.defineProperty(Fields.prototype, field, {
      get(this: Fields) {
        return this.bytes[this.offset + i]
      },
      set(this: Fields, value: number) {
        this.bytes[this.offset + i] = value
      },
    })
  })
  return Fields as unknown as ViewClass<View<Field>>
}

const EndView = viewOf(endFields)
const ControlView = viewOf(controlFields)
const MoverView = viewOf(moverFields)
const WriterView = viewOf(writerFields)
const AppView = viewOf(appFields)
const TruthView = viewOf(truthFields)

function numbers(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i)
}

export class State {
  readonly bytes = Buffer.alloc(size)
  readonly #ends = [
    new EndView(this.bytes, endsAt),
    new EndView(this.bytes, endsAt + endFields.length),
  ] as const
  readonly control = new ControlView(this.bytes, controlAt)
  readonly movers = numbers(moverPlaces).map(
    (i) => new MoverView(this.bytes, moversAt + i * moverFields.length),
  )
  readonly writers = numbers(writerPlaces).map(
    (i) => new WriterView(this.bytes, writersAt + i * writerFields.length),
  )
  readonly app = new AppView(this.bytes, appAt)
  readonly truth = new TruthView(this.bytes, truthAt)

  end(which: number): End {
    return which === source ? this.#ends[0] : this.#ends[1]
  }

  copyFrom(other: State): void {
    this.bytes.set(other.bytes)
  }

  load(key: string): void {
    this.bytes.write(key, 'latin1')
  }

  /** The state as a text; brings it into the order in which equal situations are equal first. */
  key(): string {
    sortMovers(this.bytes)
    renumberEpochs(this.bytes)
    return this.bytes.toString('latin1')
  }

  /** Flag, rows and progress of one end: what a worker that was taken over may not change. */
  holdings(which: number): string {
    const at = endsAt + which * endFields.length
    return this.bytes.toString('latin1', at, at + endFields.indexOf('turn'))
  }

  newEpoch(): number {
    const used = epochPlaces.map((at) => this.bytes[at] ?? 0)
    for (let epoch = 1; ; epoch += 1) if (!used.includes(epoch)) return epoch
  }
}

const epochPlaces = [
  ...ends.flatMap((end) =>
    (['epoch', 'openedBy', 'copyEpoch', 'checkpointEpoch'] as const).map(
      (field) => endsAt + end * endFields.length + endFields.indexOf(field),
    ),
  ),
  controlAt + controlFields.indexOf('epoch'),
  ...numbers(moverPlaces).map(
    (i) => moversAt + i * moverFields.length + moverFields.indexOf('epoch'),
  ),
  appAt + appFields.indexOf('key'),
]

const names = new Uint8Array(256)

function renumberEpochs(bytes: Uint8Array): void {
  names.fill(0, 0, 16)
  let next = 0
  for (const at of epochPlaces) {
    const epoch = bytes[at] ?? 0
    if (epoch === 0) continue
    if (names[epoch] === 0) names[epoch] = ++next
    bytes[at] = names[epoch] ?? 0
  }
}

/** Sorts the first two only; the third place is unused while states are explored. */
function sortMovers(bytes: Uint8Array): void {
  const second = moversAt + moverFields.length
  const attempt = moverFields.indexOf('attempt')
  const [a, b] = [bytes[moversAt + attempt] ?? 0, bytes[second + attempt] ?? 0]
  if (b === 0 || (a !== 0 && a <= b)) return
  for (let i = 0; i < moverFields.length; i += 1) {
    const kept = bytes[moversAt + i] ?? 0
    bytes[moversAt + i] = bytes[second + i] ?? 0
    bytes[second + i] = kept
  }
}
