// Picks a TCP port of 127.0.0.1 for a server to listen on.
//
// It does not reserve the port: another process may take it before the server does, so the
// caller tries again with another one (server.ts).
// Invariant: the port lies below the ranges that kernels give to outgoing connections (from 32768
// on Linux, 49152 elsewhere). A server that is restarted on its port would otherwise find it taken
// by some client, or by a client of its own that has connected to itself.
import { randomInt } from 'node:crypto'
import { createServer } from 'node:net'

const LOWEST = 20_000
const HIGHEST = 32_000
const TRIES_MAX = 200

/** A port that is free now. */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < TRIES_MAX; tries++) {
    const port = randomInt(LOWEST, HIGHEST)
    if (await canListen(port)) return port
  }
  throw new Error(`none of ${TRIES_MAX} ports from ${LOWEST} to ${HIGHEST} is free on 127.0.0.1`)
}

function canListen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => {
      server.close(() => resolve(true))
    })
  })
}
