// What may go wrong between a worker and an end over HTTP, done to requests of a real server.
import type { IncomingMessage, ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import { promisify } from 'node:util'
import { gunzip } from 'node:zlib'
import type { Between } from '../http-end.ts'

export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer | string
}

/** Decides what is sent: the work's answer or another; null: the connection breaks. */
export type Trouble = (
  request: IncomingMessage,
  work: () => Promise<Answer>,
) => Promise<Answer | null>

export function troubled(trouble: Trouble): Between {
  return (handler) => async (request, response) => {
    const work = async () => {
      const answers: Answer[] = []
      await handler(
        request,
        heldBack((answer) => answers.push(answer)),
      )
      return answers[0] as Answer
    }
    const answer = await trouble(request, work)
    if (answer === null) return request.socket.destroy()
    response.writeHead(answer.status, { ...answer.headers })
    response.end(answer.body)
  }
}

/** All that the handler uses of a response. */
function heldBack(told: (answer: Answer) => void): ServerResponse {
  let head: Omit<Answer, 'body'> = { status: 0, headers: {} }
  const finished: (() => void)[] = []
  const response = {
    once: (_finish: string, done: () => void) => void finished.push(done),
    writeHead(status: number, headers: Record<string, string>) {
      head = { status, headers }
    },
    end(body: Buffer) {
      told({ ...head, body })
      for (const done of finished) done()
    },
  }
  return response as unknown as ServerResponse
}

/** `flags/mark-moved`, `rows/write`; the description's is empty. */
export function operationOf({ url = '' }: Pick<IncomingMessage, 'url'>): string {
  return url.replace(/^.*\/v1\/?/, '')
}

/** Does the work, and sends no answer. */
export const loseAnswer: Trouble = async (_, work) => {
  await work()
  return null
}

/** Nothing is done. */
export const loseRequest: Trouble = async () => null

/** Does it to requests as long as there is something to be done, and none otherwise. */
export function troubleWhen(chosen: (operation: string) => Trouble | null): Between {
  return troubled(async (request, work) => {
    const trouble = chosen(operationOf(request))
    return trouble ? await trouble(request, work) : await work()
  })
}

const gunzipped = promisify(gunzip)

/** The body's text, unpacked, and the request with its body still to be read. */
export async function readAhead(
  incoming: IncomingMessage,
): Promise<{ request: IncomingMessage; body: string }> {
  const chunks: Buffer[] = []
  for await (const chunk of incoming as AsyncIterable<Buffer>) chunks.push(chunk)
  const bytes = Buffer.concat(chunks)
  const { url, method, headers, socket } = incoming
  const request = Object.assign(Readable.from([bytes]), { url, method, headers, socket })
  const body = headers['content-encoding'] === 'gzip' ? await gunzipped(bytes) : bytes
  // All that a handler uses of a request.
  return { request: request as unknown as IncomingMessage, body: body.toString() }
}

/** The answer's text, unpacked. */
export async function textOf({ headers, body }: Answer): Promise<string> {
  const packed = headers['content-encoding'] === 'gzip'
  return (packed ? await gunzipped(body) : body).toString()
}

export function answerOf(
  status: number,
  body: string | Buffer = '',
  headers: Answer['headers'] = {},
): Answer {
  return { status, headers: { 'content-type': 'application/json', ...headers }, body }
}
