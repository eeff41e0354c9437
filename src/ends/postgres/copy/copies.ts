/**
 * Several COPYs in one call: what goes to the server is sent with the statements, without waiting
 * for each to be ready, and what comes is held. For few rows: those of a small tenant.
 *
 * A statement that fails ends the call. The server passes over what was sent for the ones after it.
 */
import type { Client } from '../../../postgres.ts'

export interface CopiesCall {
  readonly statements: readonly string[]
  /** For each `copy … from stdin` its bytes, in the order of the statements. */
  readonly input?: readonly (readonly Buffer[])[]
  /** More than this that comes is an error. Default: no bound. */
  readonly bytesMax?: number
}

/** The server sends more than may be held. */
export class TooMuch extends Error {}

/** The COPY that failed, counted from 0. null: another of the statements did. */
export class CopyFailed extends Error {
  readonly place: number | null
  constructor(place: number | null, cause: unknown) {
    super('a copy failed', { cause })
    this.place = place
  }
}

/** Returns for each COPY the bytes that came. Throws CopyFailed, and TooMuch. */
export function callCopies(client: Client, call: CopiesCall): Promise<Buffer[]> {
  const copies = new Copies(call)
  return new Promise((resolve, reject) => {
    copies.onTooMuch = () => reject(new TooMuch())
    const done = (error?: unknown) => {
      if (error) reject(new CopyFailed(copies.failed(), error))
      else resolve(copies.output.map((parts) => Buffer.concat(parts)))
    }
    // Types of `pg` lack the callback of a query of one's own.
    Reflect.apply(client.query, client, [copies, done])
  })
}

interface Connection {
  query(text: string): void
  sendCopyFromChunk(bytes: Buffer): void
  endCopyFrom(): void
}

/** A query to `pg`: it is called with each message of the server. */
class Copies {
  readonly text: string
  readonly output: Buffer[][] = [[]]
  /** COPYs that have come to their end. */
  done = 0
  onTooMuch = () => {}
  /** Set by `pg`. */
  callback: ((error?: unknown) => void) | undefined
  readonly #call: CopiesCall
  #bytes = 0
  /** Commands that have come to their end, COPYs among them. */
  #commands = 0
  constructor(call: CopiesCall) {
    this.#call = call
    this.text = call.statements.join('; ')
  }

  submit(connection: Connection): void {
    connection.query(this.text)
    for (const parts of this.#call.input ?? []) {
      for (const bytes of parts) connection.sendCopyFromChunk(bytes)
      connection.endCopyFrom()
    }
  }

  handleCopyData({ chunk }: { chunk: Buffer }): void {
    this.#bytes += chunk.length
    if (this.#bytes > (this.#call.bytesMax ?? Number.POSITIVE_INFINITY)) this.onTooMuch()
    // The bytes are a part of what the connection reads into.
    else this.output[this.done]?.push(Buffer.from(chunk))
  }

  handleCommandComplete({ text }: { text: string }): void {
    this.#commands += 1
    if (!text.startsWith('COPY ')) return
    this.done += 1
    this.output.push([])
  }

  /** The COPY that is under way, counted from 0. null: none is. */
  failed(): number | null {
    let commands = 0
    for (const statement of this.#call.statements) {
      commands += commandsIn(statement)
      if (commands > this.#commands) return isCopy(statement) ? this.done : null
    }
    return null
  }

  handleError(error: unknown): void {
    const { callback } = this
    this.callback = undefined
    callback?.(error)
  }

  handleReadyForQuery(): void {
    this.output.length = this.done
    const { callback } = this
    this.callback = undefined
    callback?.()
  }

  handleCopyInResponse(): void {}
  handleRowDescription(): void {}
  handleDataRow(): void {}
  handleEmptyQuery(): void {}
  handlePortalSuspended(): void {}
}

function isCopy(statement: string): boolean {
  return statement.startsWith('copy ')
}

/** A COPY may hold SQL of a plan. In the others, which are ours, quotes alone hide semicolons. */
function commandsIn(statement: string): number {
  if (isCopy(statement)) return 1
  const bare = statement.replace(/"[^"]*"|'[^']*'/g, '')
  return bare.split(';').filter((command) => command.trim() !== '').length
}
