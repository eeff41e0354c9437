/** Parts that all operations share: authentication, headers, and answers to errors. */
import { problem, problemType } from '../../src/ends/web/problem.ts'
import type { JsonObject } from './json.ts'
import type { Schemas } from './schemas.ts'

const signing = `\`Authorization: Rehome-HMAC AT:SIGNATURE\`. AT is the time in ms since 1970, good
for 5 minutes before and after. SIGNATURE is the HMAC-SHA256, in lower-case hex, of five lines joined
by a line feed: AT, the method, the host in lower case as the Host header has it, the path and query as
they are sent (\`/rehome/v1/rows/read\`), and what the header \`Rehome-Content-SHA256\` says: the SHA-256
of the body as it is sent (packed, if it is), in lower-case hex. Without a body it is that of nothing.
An end checks the signature before it reads the body, and the body's hash while it does.`

export const securitySchemes: JsonObject = {
  bearer: { type: 'http', scheme: 'bearer', description: 'A shared secret (RFC 6750).' },
  hmac: { type: 'http', scheme: 'rehome-hmac', description: signing.replaceAll('\n', ' ') },
}

const gzip = { type: 'string', enum: ['gzip'] }

export const parameters: JsonObject = {
  RehomeEnd: {
    name: 'rehome-end',
    in: 'header',
    description: 'Which end of the move this one is. For messages and logs alone.',
    schema: { type: 'string', enum: ['source', 'target'] },
  },
  AcceptEncoding: {
    name: 'Accept-Encoding',
    in: 'header',
    description: 'With gzip the answer may be packed, otherwise it must not be.',
    schema: { type: 'string', examples: ['gzip'] },
  },
  ContentEncoding: {
    name: 'Content-Encoding',
    in: 'header',
    description: 'Bodies of 1,024 bytes or more come packed.',
    schema: gzip,
  },
  IdempotencyKey: {
    name: 'Idempotency-Key',
    in: 'header',
    description:
      'The same for the same batch or step, for logs and proxies, and nothing else can be read out ' +
      'of it. The end uses the progress in the head of the batch, or the number of the step.',
    schema: { type: 'string', pattern: '^[0-9a-f]{32}$' },
  },
}

export const sentHeaders: JsonObject = {
  ContentEncoding: { description: 'How the body is packed.', schema: gzip },
  RetryAfter: {
    description:
      'In s, or a date: when to ask again. With it the end says that it has done nothing. For more ' +
      'than 10 s the worker does not wait: the attempt ends.',
    schema: { type: 'string', examples: ['1'] },
  },
  WwwAuthenticate: { description: 'What is expected.', schema: { type: 'string' } },
}

export function responses(schemas: Schemas): JsonObject {
  const content = { [problemType]: { schema: schemas.ref('Problem', problem) } }
  const waiting = { 'Retry-After': { $ref: '#/components/headers/RetryAfter' } }
  const asking = { 'WWW-Authenticate': { $ref: '#/components/headers/WwwAuthenticate' } }
  return {
    '401': { description: 'No secret, or a wrong one.', headers: asking, content },
    '429': { description: 'Too many requests. Nothing was done.', headers: waiting, content },
    '503': {
      description: 'Not just now. With Retry-After nothing was done.',
      headers: waiting,
      content,
    },
    '4XX': { description: 'Refused. Nothing was done.', content },
    '5XX': { description: 'What was done is not known.', content },
  }
}
