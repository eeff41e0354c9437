// The receiver of webhooks: its settings, and how a request to it is signed.
import { createHmac } from 'node:crypto'
import { expect, test } from 'vitest'
import {
  bodyOf,
  headersOf,
  placeOfReceiver,
  receiverOf,
} from '../../src/coordinator/webhooks/receiver.ts'

const secret = 'a secret of at least 24 bytes'
const settings = (url?: string, key?: string) => ({
  ...{ REHOME_WEBHOOK_URL: url, REHOME_WEBHOOK_SECRET: key },
})

test('without a URL there is no receiver', () => {
  expect(receiverOf({})).toBeNull()
  expect(receiverOf(settings('', secret))).toBeNull()
})

test.each([
  ['SETTING_MISSING', 'https://hooks.example/x', undefined],
  ['USAGE', 'hooks.example', secret],
  ['USAGE', 'file:///etc/passwd', secret],
  ['USAGE', 'https://user:pass@hooks.example/', secret],
  ['USAGE', 'https://hooks.example/x', 'short'],
  ['USAGE', 'https://hooks.example/x', `whsec_${Buffer.from('short').toString('base64')}`],
])('%s: %s with secret %s is refused, and the message has no secret', (code, url, key) => {
  const asked = () => receiverOf(settings(url, key))
  expect(asked).toThrow(expect.objectContaining({ code }))
  expect(asked).not.toThrow(/user:pass/)
})

test('the signature covers id, time and body, as Standard Webhooks says', () => {
  const bytes = Buffer.alloc(24, 7)
  const url = 'https://hooks.example/x?key=hidden'
  const receiver = receiverOf(settings(url, `whsec_${bytes.toString('base64')}`))
  if (!receiver) throw new Error('no receiver')
  expect(placeOfReceiver(receiver)).toBe('https://hooks.example/x')
  const headers = headersOf({ id: 'msg-1', body: '{"a":1}', at: 1_700_000_000 }, receiver.key)
  const signature = createHmac('sha256', bytes).update('msg-1.1700000000.{"a":1}').digest('base64')
  expect(headers).toMatchObject({
    ...{ 'webhook-id': 'msg-1', 'idempotency-key': 'msg-1', 'webhook-timestamp': '1700000000' },
    'webhook-signature': `v1,${signature}`,
  })
})

test('secrets in messages are taken out', () => {
  const body = bodyOf({
    ...{ id: '7', key: 'k', type: 'move.failed', at: new Date(0), attempts: 1 },
    giveUpAt: new Date(0),
    ...{ runId: 'r', planName: 'p', source: 's', target: 't', createdBy: 'me' },
    data: { message: 'cannot reach postgres://mover:hunter2@db/x, password=hunter2' },
  })
  expect(body).not.toContain('hunter2')
  expect(JSON.parse(body)).toMatchObject({ sequence: 7, timestamp: '1970-01-01T00:00:00.000Z' })
})
