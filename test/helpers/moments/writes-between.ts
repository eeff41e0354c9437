// An application that writes at moments which are always the same: the process of the mover stands
// still while another thread of it writes, and goes on when that is committed.
import { MessageChannel, receiveMessageOnPort, Worker } from 'node:worker_threads'

const thread = `
  const { workerData } = require('node:worker_threads')
  const pg = require('pg')
  const { port, lock, url } = workerData
  let client
  const connected = async () => {
    if (client) return client
    const own = new pg.Client(url)
    // The database may go before this thread does.
    own.on('error', () => { client = undefined })
    await own.connect()
    await own.query("set statement_timeout = '2s'")
    return (client = own)
  }
  port.on('message', async (statements) => {
    let done = 'accepted'
    try {
      const own = await connected()
      await own.query(['begin', ...statements, 'commit'].join(';'))
    } catch (error) {
      done = String(error.code) + ' ' + error.message
      await client?.query('rollback').catch(() => { client = undefined })
    }
    port.postMessage(done)
    Atomics.store(lock, 0, 1)
    Atomics.notify(lock, 0)
  })
`

/** Writes in one transaction, and returns when it has ended: `accepted`, or why it was not. */
export function createWriter(url: string): (statements: readonly string[]) => string {
  const lock = new Int32Array(new SharedArrayBuffer(4))
  const { port1, port2 } = new MessageChannel()
  const workerData = { port: port2, lock, url }
  const worker = new Worker(thread, { eval: true, workerData, transferList: [port2] })
  worker.unref()
  port1.unref()
  return (statements) => {
    Atomics.store(lock, 0, 0)
    port1.postMessage(statements)
    Atomics.wait(lock, 0, 0, 10_000)
    return String(receiveMessageOnPort(port1)?.message)
  }
}
