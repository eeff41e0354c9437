/** The end that is looked at, and how its operations are asked for. */
import type { z } from 'zod'
import { readAnswer } from '../src/ends/http/asking.ts'
import { joinLines, type ReadPage, rowsOfPage } from '../src/ends/http/lines.ts'
import { type Description, description } from '../src/ends/http/protocol/description.ts'
import {
  type LinesName,
  type OperationName,
  operations,
  pathOf,
  type RequestOf,
  type ResultOf,
} from '../src/ends/http/protocol/operations.ts'
import {
  type batchHead,
  type readOperation,
  writeOperation,
} from '../src/ends/http/protocol/row-operations.ts'
import type { Texts } from '../src/ends/tenant-rows.ts'
import type { Secret } from '../src/ends/web/auth.ts'
import { messageOf } from '../src/errors.ts'
import { type Answer, call, type Sent } from './caller.ts'
import { Broken, short, Untried } from './point.ts'

export interface Chosen {
  readonly baseUrl: URL
  readonly secret: Secret
  readonly scope: string
  readonly tenant: string | null
  readonly scratch: string | null
}

export type BatchHead = z.output<typeof batchHead>
export type ReadRequest = z.output<typeof readOperation.request>

export interface Subject {
  readonly secret: Secret
  readonly scope: string
  /** Throws Untried where none was named. */
  readonly tenant: string
  readonly scratch: string
  /** Sends the request unchanged. */
  send(sent: Sent): Promise<Answer>
  /** Sends the body of one operation unchanged. */
  post(name: OperationName | LinesName, body: unknown): Promise<Answer>
  /** Throws Broken where it does not succeed, or answers what the protocol does not know. */
  ask<N extends OperationName>(name: N, request: RequestOf<N>): Promise<ResultOf<N>>
  read(request: ReadRequest): Promise<ReadPage>
  write(head: BatchHead, rows: readonly Texts[]): Promise<{ repeated: boolean }>
  /** Sends a batch without judging the answer. */
  sendBatch(head: BatchHead, rows: readonly Texts[]): Promise<Answer>
  /** Asked for once. Without tables of everybody, whose rows are only brought. */
  describe(): Promise<Description>
  /** The request that was sent last, in one line; null: none yet. */
  lastRequest(): string | null
}

const where = 'the end'

export function subjectOf(chosen: Chosen): Subject {
  const { secret, scope } = chosen
  let last: Sent | null = null
  const send = (sent: Sent) => {
    last = sent
    return patiently(() => call(chosen.baseUrl, secret, sent))
  }
  const post: Subject['post'] = (name, body) => {
    return send({ path: pathOf(name), body: JSON.stringify(body) })
  }
  const sendBatch: Subject['sendBatch'] = (head, rows) => {
    const body = joinLines([JSON.stringify(head), ...rows.map((row) => JSON.stringify(row))])
    const headers = { 'content-type': 'application/x-ndjson' }
    return send({ path: pathOf('write'), body, headers })
  }
  let described: Promise<Description> | null = null
  const describe = async () => {
    const answer = await send({ method: 'GET', path: 'v1' })
    const whole = judged('v1', answer, (text) => readAnswer(description, text, where))
    return { ...whole, tables: whole.tables.filter(({ shared }) => !shared) }
  }
  return {
    ...{ secret, scope, send, post, sendBatch },
    get tenant() {
      return named(chosen.tenant, '--tenant')
    },
    get scratch() {
      return named(chosen.scratch, '--scratch')
    },
    async ask(name, request) {
      const schema = operations[name].result as unknown as z.ZodType<ResultOf<typeof name>>
      return judged(name, await post(name, request), (text) => readAnswer(schema, text, where))
    },
    async read(request) {
      const columns = request.columns.length
      const answer = await post('read', request)
      return judged('read', answer, (text) => rowsOfPage(text, { columns, where }))
    },
    async write(head, rows) {
      const answer = await sendBatch(head, rows)
      return judged('write', answer, (text) => readAnswer(writeOperation.result, text, where))
    },
    describe() {
      described ??= describe()
      return described
    },
    lastRequest: () => last && requestText(last),
  }
}

const bodyCharactersMax = 2_000

function requestText({ method = 'POST', path, body = '' }: Sent): string {
  const text = String(body).trimEnd().replaceAll('\n', '\\n')
  const shown = text.length > bodyCharactersMax ? `${text.slice(0, bodyCharactersMax)}…` : text
  return `${method} ${path} ${shown}`.trimEnd()
}

const triesMax = 5

/** An end that cannot just now, and says until when, has broken nothing. */
async function patiently(ask: () => Promise<Answer>): Promise<Answer> {
  for (let tries = 1; ; tries += 1) {
    const answer = await ask()
    const isBusy = answer.status === 429 || answer.status === 503
    const afterS = Number(answer.headers['retry-after'] ?? Number.NaN)
    if (!isBusy || tries === triesMax || !(afterS <= 10)) return answer
    await new Promise((resolve) => setTimeout(resolve, afterS * 1000))
  }
}

function named(tenant: string | null, option: string): string {
  if (tenant !== null) return tenant
  throw new Untried(`no ${option} was named`)
}

function judged<T>(what: string, answer: Answer, read: (text: string) => T): T {
  if (answer.status !== 200) throw new Broken(`${what}: expected 200, and came ${told(answer)}`)
  try {
    return read(answer.text)
  } catch (error) {
    throw new Broken(`${what}: ${messageOf(error)}`)
  }
}

export function told({ status, text }: Answer): string {
  return `${status} ${short(text)}`
}

/** Throws Broken unless the answer is a refusal: 4xx, or the status that is named. */
export function expectRefused(answer: Answer, what: string, status?: number): void {
  const { status: came } = answer
  const isRefused = status === undefined ? came >= 400 && came < 500 : came === status
  if (isRefused) return
  throw new Broken(`${what}: expected ${status ?? '4xx'}, and came ${told(answer)}`)
}
