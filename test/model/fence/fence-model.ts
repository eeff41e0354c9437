/**
 * Predicts the answers of one tenant's fence at one end: the same statements as
 * in statements.ts, but for one real database, with the outcomes that it gives.
 *
 * `lapse` stands for time. Locks are never waited for: an attempt that would have to is `blocked`,
 * and a writer is refused.
 */
export const levels = ['read committed', 'repeatable read', 'serializable'] as const
export type Mode = 'read_only' | 'receiving' | 'moved'

type Told<What extends string, More> = What extends string ? { readonly do: What } & More : never
export type WriterOp = Told<'begin' | 'write' | 'commit' | 'rollback', { readonly writer: number }>
export type AttemptOp =
  | Told<
      'takeTurn' | 'raise' | 'claim' | 'renew' | 'markMoved' | 'letOpen' | 'hold' | 'letGo',
      { readonly by: number }
    >
  | Told<'takeOver', { readonly by: number; readonly epoch: number }>
  | Told<'adopt' | 'remove', { readonly by: number; readonly mode: Mode }>
/** `writer` is an index of `levels`; `by` is an attempt, and so its token, its turn, its epoch. */
export type Op =
  | WriterOp
  | AttemptOp
  | Told<'open', { readonly epoch: number }>
  | Told<'lapse' | 'reap' | 'drain', object>

/** `timeout`: the drain's. Codes are what an application sees. */
export type Outcome = 'yes' | 'no' | 'blocked' | 'timeout' | 'accepted' | '25006' | '40001'

export interface FlagModel {
  mode: Mode
  token: number
  epoch: number
  move: number
  lapsed: boolean
  openedBy: number | null
}

interface WriterModel {
  open: boolean
  /** A snapshot: the flag as it was, and which version of it; and of the bucket. */
  sees: { flag: FlagModel | null; version: number; bumps: number } | null
  /** It has passed the guard, and holds its lock. */
  inside: boolean
  deletedFlag: boolean
}

export interface FenceModel {
  flag: FlagModel | null
  /** Changes with every change of the flag's row. */
  version: number
  bumps: number
  turn: number
  holding: Set<number>
  writers: WriterModel[]
}

const outside = (): WriterModel => ({
  open: false,
  sees: null,
  inside: false,
  deletedFlag: false,
})

export function newFence(): FenceModel {
  const writers = levels.map(outside)
  return { flag: null, version: 0, bumps: 0, turn: -1, holding: new Set(), writers }
}

/** Attempts 0 and 1 belong to one move, attempt 2 to a later one that knows it. */
export const moveOf = (attempt: number) => (attempt < 2 ? 0 : 1)
const isSnapshot = (writer: number) => writer > 0

/** Whether the command makes sense now; what is refused by the database does. */
export function possible(fence: FenceModel, op: Op): boolean {
  if (op.do === 'begin') return !fence.writers[op.writer]?.open
  if ('writer' in op) return fence.writers[op.writer]?.open === true
  if (op.do === 'hold') return !fence.holding.has(op.by)
  if (op.do === 'letGo') return fence.holding.has(op.by)
  return true
}

/** Predicts the database's answer. Changes the model to what it is then. */
export function predict(fence: FenceModel, op: Op): Outcome {
  if ('writer' in op) return predictWriter(fence, op)
  switch (op.do) {
    case 'takeTurn':
      return takeTurn(fence, op.by)
    case 'raise':
    case 'claim':
      return close(fence, op)
    case 'hold':
      return hold(fence, op.by)
    case 'letGo':
      fence.holding.delete(op.by)
      return 'yes'
    case 'drain':
      return drain(fence)
    default:
      return change(fence, op)
  }
}

function takeTurn(fence: FenceModel, by: number): Outcome {
  if (fence.turn > by) return 'no'
  fence.turn = by
  fence.holding.clear()
  return 'yes'
}

const locked = (fence: FenceModel, except?: WriterModel) =>
  fence.holding.size > 0 || fence.writers.some((w) => w !== except && w.deletedFlag)

function put(fence: FenceModel, flag: FlagModel | null): void {
  fence.flag = flag
  fence.version += 1
}

/** raiseFence and claimTarget: insert, or wait for the row that is there, and then look at it. */
function close(fence: FenceModel, op: { do: 'raise' | 'claim'; by: number }): Outcome {
  const { flag } = fence
  if (fence.turn !== op.by) return 'no'
  if (flag && locked(fence)) return 'blocked'
  const [move, own] = [moveOf(op.by), { token: op.by, epoch: op.by, move: moveOf(op.by) }]
  if (op.do === 'raise') {
    const mine = flag?.mode === 'read_only' && (flag.move === move || flag.lapsed)
    if (flag && !mine) return 'no'
    put(fence, { ...own, mode: 'read_only', lapsed: false, openedBy: null })
  } else {
    if (flag && (flag.mode === 'read_only' || flag.move > move)) return 'no'
    put(fence, { ...own, mode: 'receiving', lapsed: false, openedBy: op.by })
  }
  return 'yes'
}

type ByToken = Extract<Op, { do: 'renew' | 'markMoved' | 'letOpen' | 'remove' }>
type Change = ByToken | Extract<Op, { do: 'takeOver' | 'adopt' | 'open' | 'lapse' | 'reap' }>

/** One update or delete: the row has to be as it expects, and is gone afterwards. */
function change(fence: FenceModel, op: Change): Outcome {
  const { flag } = fence
  const next = flag && changed(fence, flag, op)
  if (next === undefined || flag === null) return 'no'
  if (locked(fence)) return 'blocked'
  put(fence, next)
  return 'yes'
}

/** null: the row goes. undefined: it is not as expected. */
function changed(fence: FenceModel, flag: FlagModel, op: Change): FlagModel | null | undefined {
  const fenced = flag.mode === 'read_only'
  if (op.do === 'lapse') return fenced ? { ...flag, lapsed: true } : undefined
  if (op.do === 'reap') return fenced && flag.lapsed ? null : undefined
  if (op.do === 'open') return flag.openedBy === op.epoch ? null : undefined
  const turn = fence.turn === op.by
  if (op.do === 'takeOver') {
    const same = flag.move === moveOf(op.by) && flag.epoch === op.epoch
    return same && turn ? { ...flag, token: op.by, lapsed: false } : undefined
  }
  if (op.do === 'adopt') {
    const same = flag.move === moveOf(op.by) && flag.mode === op.mode
    return same && turn ? { ...flag, token: op.by } : undefined
  }
  return flag.token === op.by && mayGoByToken(fence, op.by) ? changedByToken(flag, op) : undefined
}

/** Whether changes that require the token ask for the turn, too. */
const tokensAskForTurn = true
const mayGoByToken = (fence: FenceModel, by: number) => !tokensAskForTurn || fence.turn === by

function changedByToken(flag: FlagModel, op: ByToken): FlagModel | null | undefined {
  if (op.do === 'remove') return flag.mode === op.mode ? null : undefined
  if (op.do === 'letOpen') return flag.mode === 'moved' ? { ...flag, openedBy: op.by } : undefined
  if (flag.mode !== 'read_only') return undefined
  return op.do === 'renew' ? { ...flag, lapsed: false } : { ...flag, mode: 'moved', lapsed: false }
}

function hold(fence: FenceModel, by: number): Outcome {
  if (fence.flag?.token !== by || !mayGoByToken(fence, by)) return 'no'
  if (fence.writers.some((w) => w.deletedFlag)) return 'blocked'
  fence.holding.add(by)
  return 'yes'
}

/** It does not wait at all here: an active writer makes it give up. */
function drain(fence: FenceModel): Outcome {
  const inside = (snapshot: boolean) =>
    fence.writers.some((w, i) => w.inside && isSnapshot(i) === snapshot)
  if (inside(true)) return 'timeout'
  fence.bumps += 1
  return inside(false) ? 'timeout' : 'yes'
}

function predictWriter(fence: FenceModel, op: WriterOp): Outcome {
  const writer = fence.writers[op.writer]
  if (!writer) return 'no'
  if (op.do === 'begin') {
    writer.open = true
    const { flag, version, bumps } = fence
    if (isSnapshot(op.writer)) writer.sees = { flag: flag && { ...flag }, version, bumps }
    return 'yes'
  }
  if (op.do === 'write') {
    const outcome = guard(fence, writer)
    if (outcome === 'accepted') writer.inside = true
    else Object.assign(writer, outside())
    return outcome
  }
  if (op.do === 'commit' && writer.deletedFlag) put(fence, null)
  Object.assign(writer, outside())
  return 'yes'
}

/** rehome.check_tenants. A refusal ends the transaction, and with it every lock that it held. */
function guard(fence: FenceModel, writer: WriterModel): Outcome {
  const { sees } = writer
  if (writer.deletedFlag) return 'accepted'
  if (sees && !writer.inside && sees.bumps !== fence.bumps) return '40001'
  const flag = sees ? sees.flag : fence.flag
  if (!flag) return 'accepted'
  if (flag.mode !== 'read_only' || !flag.lapsed) return '25006'
  if (sees && sees.version !== fence.version) return '40001'
  if (locked(fence, writer)) return '25006'
  writer.deletedFlag = true
  return 'accepted'
}
