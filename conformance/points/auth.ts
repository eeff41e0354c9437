/** Points on authentication. */

import { type OperationName, operations, pathOf } from '../../src/ends/http/protocol/operations.ts'
import type { Secret } from '../../src/ends/web/auth.ts'
import type { Answer, Sent } from '../caller.ts'
import { expectThat, type Point, Skipped } from '../point.ts'
import { expectRefused, type Subject } from '../subject.ts'

const asked = { method: 'POST', path: 'v1/flags/answer', body: '{}' } as const
const staleMs = 10 * 60_000

export const authPoints: readonly Point[] = [
  {
    name: 'auth.right',
    says: 'the secret is admitted',
    async check(end) {
      const { status } = await end.send(asked)
      expectThat(status !== 401, () => 'it is refused with 401')
    },
  },
  {
    name: 'auth.none',
    says: 'no operation is answered without a secret',
    async check(end) {
      const names = [...(Object.keys(operations) as OperationName[]), 'read', 'write'] as const
      for (const name of names) {
        const path = pathOf(name)
        expectRefused(await end.send({ path, body: '{}', authorization: null }), path, 401)
      }
      expectRefused(await end.send({ method: 'GET', path: 'v1', authorization: null }), 'v1', 401)
    },
  },
  {
    name: 'auth.wrong',
    says: 'a wrong secret is refused, also one that begins or ends as the right one does',
    async check(end) {
      for (const change of [(text: string) => `${text}x`, (text: string) => text.slice(0, -1)]) {
        const signedBy = changed(end.secret, change)
        expectRefused(await end.send({ ...asked, signedBy }), 'a wrong secret', 401)
      }
      const other = end.secret.kind === 'bearer' ? 'Basic Og==' : 'Bearer wrong'
      expectRefused(await end.send({ ...asked, authorization: other }), `${other}`, 401)
    },
  },
  {
    name: 'auth.stale',
    says: 'a signature of 10 minutes ago, or of 10 minutes ahead, is refused',
    async check(end) {
      onlySigned(end)
      const { now } = Date
      for (const offMs of [-staleMs, staleMs]) {
        Date.now = () => now() + offMs
        const sent = end.send(asked)
        Date.now = now
        expectRefused(await sent, `${offMs} ms off`, 401)
      }
    },
  },
  {
    name: 'auth.bound',
    says: 'a signature is good for its own method, host, path, query and body alone',
    async check(end) {
      onlySigned(end)
      const others: Sent[] = [
        { ...asked, body: '{ }' },
        { ...asked, path: 'v1/flags/read-flag' },
        { ...asked, path: `${asked.path}?a=b` },
        { method: 'GET', path: 'v1' },
      ]
      for (const other of others) {
        const answer: Answer = await end.send({ ...other, signedAs: asked })
        expectRefused(answer, `${other.method} ${other.path} signed as another`, 401)
      }
      const elsewhere = { ...asked, signedAs: { ...asked, host: 'elsewhere.example' } }
      expectRefused(await end.send(elsewhere), 'a request signed for another host', 401)
    },
  },
]

function onlySigned({ secret }: Subject): void {
  if (secret.kind !== 'hmac') throw new Skipped('requests are not signed: --hmac-from')
}

function changed(secret: Secret, change: (text: string) => string): Secret {
  return secret.kind === 'bearer'
    ? { kind: 'bearer', token: change(secret.token) }
    : { kind: 'hmac', key: change(secret.key) }
}
