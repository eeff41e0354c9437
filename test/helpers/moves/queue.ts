// The queues of an installation of their own, on a store, without a control database behind them.
import { randomUUID } from 'node:crypto'
import { migrateQueueSchema, openQueues, queueStore } from '../../../src/queue/queues.ts'
import type { QueueBackend } from '../backends.ts'
import { createDatabase } from '../database.ts'

export async function openQueue({ redisUrl }: QueueBackend) {
  const database = await createDatabase()
  await migrateQueueSchema(database.url)
  const installation = randomUUID()
  const store = queueStore({ redisUrl, controlUrl: database.url, installation })
  const queues = openQueues(store, () => {})
  return {
    queues,
    async [Symbol.asyncDispose]() {
      await queues.close()
      await database.drop()
    },
  }
}
