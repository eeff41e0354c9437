import { randomUUID } from 'node:crypto'
import type { Command } from 'commander'
import { resendWebhooks, stopWritingWebhooks, webhookState } from '../../control/webhooks.ts'
import { post } from '../../coordinator/webhooks/deliver.ts'
import { placeOfReceiver, receiverOf } from '../../coordinator/webhooks/receiver.ts'
import { RehomeError } from '../../errors.ts'
import { jsonText, print, withRehome } from '../context.ts'
import { step } from '../next-steps.ts'
import { safe } from '../print.ts'

interface WebhookFlags {
  readonly test?: boolean
  readonly resend?: boolean
  readonly off?: boolean
  readonly dryRun?: boolean
  readonly json?: boolean
}

export function addWebhooks(program: Command): void {
  program
    .command('webhooks')
    .description('how many webhooks wait, were delivered, or were given up')
    .option('--test', 'send a message of type `test` now, without a run')
    .option('--resend', 'send those once more that were given up, and those that wait at once')
    .option('--off', 'write no messages from now on: the receiver is gone')
    .option('--dry-run', 'only show what there is')
    .option('--json', 'as JSON')
    .action(webhooks)
}

async function webhooks(flags: WebhookFlags): Promise<void> {
  const receiver = receiverOf(process.env)
  if (flags.off && receiver) {
    throw new RehomeError('USAGE', 'REHOME_WEBHOOK_URL is set: unset it here and for all workers')
  }
  if (flags.test && !flags.dryRun) {
    if (!receiver) throw new RehomeError('SETTING_MISSING', 'REHOME_WEBHOOK_URL is not set')
    const body = JSON.stringify({ type: 'test', timestamp: new Date().toISOString(), data: {} })
    const error = await post(receiver, { id: randomUUID(), body })
    if (error !== null) throw new RehomeError('UNREACHABLE', error)
  }
  const state = await withRehome(async ({ control }) => {
    if (flags.off && !flags.dryRun) await stopWritingWebhooks(control)
    if (flags.resend && !flags.dryRun) await resendWebhooks(control)
    return await webhookState(control)
  })
  const to = receiver && placeOfReceiver(receiver)
  const nextSteps = state.givenUp > 0 ? [step('webhooks', '--resend')] : []
  if (flags.json) return print(jsonText({ receiver: to, ...state, nextSteps }, 2))
  const { writing, waiting, delivered, givenUp, oldestS, lastError } = state
  print(`receiver: ${to ?? 'none, REHOME_WEBHOOK_URL is not set'}`)
  print(writing ? 'messages are written' : 'no messages are written')
  print(`${waiting} waiting${oldestS === null ? '' : `, the oldest for ${oldestS} s`}`)
  print(`${delivered} delivered, ${givenUp} given up`)
  if (lastError !== null) print(`last error: ${safe(lastError, 1000)}`)
}
