import { once } from 'node:events'
import { createConnection, createServer, type Socket } from 'node:net'
import pg from 'pg'
import { expect, onTestFinished, test } from 'vitest'
import { startTcpProxy, type TcpProxyOptions } from '../../dev/tcp-proxy.ts'
import { createDatabase } from '../helpers/database.ts'
import { eventually } from '../helpers/eventually.ts'

test('a proxy forwards both ways, any number of bytes, and how a conversation ends', async () => {
  await using echo = await startEcho()
  await using proxy = await startTcpProxy({ to: echo })
  const client = await connect(proxy.port)
  const sent = Buffer.alloc(5_000_000, 'rehome')
  client.socket.end(sent)
  await once(client.socket, 'end')
  expect(Buffer.concat(client.heard).equals(sent)).toBe(true)
  await eventually(() => expect(proxy.connections).toBe(0))
})

test('what is cut is broken at both sides, and a new connection works', async () => {
  await using echo = await startEcho()
  await using proxy = await startTcpProxy({ to: echo })
  const client = await connect(proxy.port)
  await client.say('one')
  const broken = client.broken()
  expect(proxy.cut()).toBe(1)
  expect(await broken).toBe('ECONNRESET')
  await eventually(() => expect(echo.errors).toEqual(['ECONNRESET']))
  await (await connect(proxy.port)).say('two')
})

test('what is frozen is neither forwarded nor closed, and comes when it is thawed', async () => {
  await using echo = await startEcho()
  await using proxy = await startTcpProxy({ to: echo })
  const client = await connect(proxy.port)
  await client.say('before')
  proxy.freeze()
  const late = await connect(proxy.port)
  client.socket.write('while')
  late.socket.write('late')
  await eventually(() => expect(proxy.connections).toBe(2))
  await echo.turn()
  expect(echo.heard()).toBe('before.')
  proxy.thaw()
  await eventually(() => expect(client.text()).toBe('beforewhile'))
  await eventually(() => expect(late.text()).toBe('late'))
})

test('who is refused is broken, and who was there goes on', async () => {
  await using echo = await startEcho()
  await using proxy = await startTcpProxy({ to: echo })
  const client = await connect(proxy.port)
  await client.say('one')
  proxy.refuse()
  expect(await (await connect(proxy.port)).broken()).toBe('ECONNRESET')
  await client.say('two')
  proxy.accept()
  await (await connect(proxy.port)).say('three')
})

test('a hook sees each chunk, and cuts in place of forwarding it', async () => {
  await using echo = await startEcho()
  const onData: TcpProxyOptions['onData'] = (chunk, direction) =>
    direction === 'down' && chunk.includes('secret') ? 'cut' : undefined
  await using proxy = await startTcpProxy({ to: echo, onData })
  const client = await connect(proxy.port)
  await client.say('plain')
  const broken = client.broken()
  client.socket.write('secret')
  expect(await broken).toBe('ECONNRESET')
  expect(echo.heard()).toBe('plainsecret')
  expect(client.text()).toBe('plain')
})

test('a hook freezes its connection alone, and the chunk comes after the thaw', async () => {
  await using echo = await startEcho()
  await using proxy = await startTcpProxy({ to: echo })
  proxy.onData = (chunk) => (chunk.includes('stop') ? 'freeze' : undefined)
  const [one, other] = [await connect(proxy.port), await connect(proxy.port)]
  one.socket.write('stop')
  await other.say('go')
  expect(one.text()).toBe('')
  proxy.onData = undefined
  proxy.thaw()
  await eventually(() => expect(one.text()).toBe('stop'))
})

test('a COMMIT whose answer is cut off is done at the server, and unknown to the client', async () => {
  await using database = await createDatabase()
  await database.pool.query('create table facts (fact text)')
  const url = new URL(database.url)
  const to = { host: url.hostname, port: Number(url.port) }
  await using proxy = await startTcpProxy({ to })
  url.port = String(proxy.port)
  const client = new pg.Client({ connectionString: url.href })
  client.on('error', () => {})
  await client.connect()
  await client.query(`begin; insert into facts values ('kept')`)
  proxy.onData = (chunk, way) => (way === 'down' && chunk.includes('COMMIT') ? 'cut' : undefined)
  await expect(client.query('commit')).rejects.toThrow('ECONNRESET')
  expect((await database.pool.query('select fact from facts')).rows).toEqual([{ fact: 'kept' }])
})

test('a slow line delays both directions, and lets no more through than it may', async () => {
  await using echo = await startEcho()
  await using proxy = await startTcpProxy({ to: echo, slowness: { delayMs: 40 } })
  const client = await connect(proxy.port)
  const timed = async (text: string) => {
    const begun = performance.now()
    await client.say(text)
    return performance.now() - begun
  }
  expect(await timed('one')).toBeGreaterThanOrEqual(79)
  proxy.slowness = { bytesPerSecond: 1_000_000 }
  expect(await timed('x'.repeat(100_000))).toBeGreaterThanOrEqual(99)
  proxy.slowness = {}
  client.socket.end('end')
  await once(client.socket, 'end')
  expect(client.text().length).toBe(100_006)
})

test('what is on a slow line waits while it is frozen, and comes in order', async () => {
  await using echo = await startEcho()
  await using proxy = await startTcpProxy({ to: echo, slowness: { delayMs: 20 } })
  const client = await connect(proxy.port)
  await client.say('1')
  const isOnItsWay = new Promise<void>((resolve) => {
    proxy.onData = () => void resolve()
  })
  client.socket.write('2')
  await isOnItsWay
  proxy.freeze()
  const frozen = performance.now()
  while (performance.now() - frozen < 50) await echo.turn()
  expect(echo.heard()).toMatch(/^1\.+$/)
  client.socket.write('3')
  proxy.thaw()
  await eventually(() => expect(client.text()).toBe('123'))
})

test('a proxy whose server is gone breaks its clients', async () => {
  const echo = await startEcho()
  await using proxy = await startTcpProxy({ to: echo })
  await echo[Symbol.asyncDispose]()
  expect(await (await connect(proxy.port)).broken()).toBe('ECONNRESET')
})

/** A server that answers with what it received. */
async function startEcho() {
  const [errors, heard, sockets] = [[] as string[], [] as Buffer[], new Set<Socket>()]
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket)
    socket.on('error', (error: Error & { code?: string }) => errors.push(error.code ?? ''))
    socket.on('data', (chunk) => heard.push(chunk))
    socket.pipe(socket)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const port = typeof address === 'object' ? (address?.port ?? 0) : 0
  return {
    host: '127.0.0.1',
    port,
    errors,
    heard: () => Buffer.concat(heard).toString(),
    /** Once this is answered, whatever was sent to the server before has come. */
    turn: async () => await (await connect(port)).say('.'),
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      if (server.listening) await new Promise((resolve) => server.close(resolve))
    },
  }
}

async function connect(port: number) {
  const socket = createConnection({ port, host: '127.0.0.1', allowHalfOpen: true })
  onTestFinished(() => void socket.destroy())
  const heard: Buffer[] = []
  socket.on('data', (chunk) => heard.push(chunk))
  const broken = new Promise<string>((resolve) => {
    socket.on('error', (error: Error & { code?: string }) => resolve(error.code ?? ''))
  })
  await once(socket, 'connect').catch(() => {})
  const text = () => Buffer.concat(heard).toString()
  return {
    socket,
    heard,
    text,
    broken: () => broken,
    say: async (word: string) => {
      const before = text()
      socket.write(word)
      await eventually(() => expect(text()).toBe(before + word))
    },
  }
}
