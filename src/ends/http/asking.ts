/** Asks an end, and trusts no answer that the protocol does not know. */
import { createHash } from 'node:crypto'
import type { z } from 'zod'
import { RehomeError } from '../../errors.ts'
import { shown } from '../web/problem.ts'
import type { Asked, Transport } from '../web/transport.ts'
import {
  type OperationName,
  operations,
  pathOf,
  type RequestOf,
  type ResultOf,
} from './protocol/operations.ts'

/** Asks one operation of the protocol, and checks what comes back. */
export interface Asking {
  ask<N extends OperationName>(
    name: N,
    request: RequestOf<N>,
    options?: Pick<Asked, 'timeoutMs' | 'once'>,
  ): Promise<ResultOf<N>>
  transport: Transport
  readonly where: string
}

export function askingBy(transport: Transport, where: string): Asking {
  return {
    transport,
    where,
    async ask(name, request, options = {}) {
      const { repeatable, result } = operations[name]
      const text = await transport.ask({
        method: 'POST',
        path: pathOf(name),
        body: JSON.stringify(request),
        repeatable,
        ...options,
      })
      // The schema of this operation is that of its result.
      return readAnswer(result as unknown as z.ZodType<ResultOf<typeof name>>, text, where)
    },
  }
}

/**
 * A key, equal for the same batch or step, for logs and proxies. It does not reveal the epoch,
 * which is the key which opens the target.
 */
export function requestKey(epoch: string, ...of: readonly (string | number)[]): string {
  return createHash('sha256')
    .update(JSON.stringify([epoch, ...of]))
    .digest('hex')
    .slice(0, 32)
}

/** Throws PROTOCOL_BROKEN where the answer is not what the protocol defines. */
export function readAnswer<T>(schema: z.ZodType<T>, text: string, where: string): T {
  let parsed: unknown
  try {
    parsed = JSON.parse(text)
  } catch {
    throw new RehomeError('PROTOCOL_BROKEN', `${where} answered with what is no JSON`)
  }
  const checked = schema.safeParse(parsed)
  if (checked.success) return checked.data
  const [issue] = checked.error.issues
  const place = issue?.path.join('.') || 'the answer'
  const message = `${where} answered against the protocol: ${shown(`${place}: ${issue?.message}`)}`
  throw new RehomeError('PROTOCOL_BROKEN', message)
}
