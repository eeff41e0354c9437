/**
 * The connections to each server over proxies: each worker has wires of its own, and so have
 * half of the writers, so that each can be cut off alone.
 */
import { startTcpProxy, type TcpProxy } from '../../dev/tcp-proxy.ts'

export type ServerName = 'source' | 'target' | 'control' | 'redis'
export type Party = `worker ${number}` | 'writers'

export interface Wire {
  readonly party: Party
  readonly to: ServerName
  readonly proxy: TcpProxy
}

export type Urls = Readonly<Partial<Record<ServerName, string>>>

export class Network implements AsyncDisposable {
  readonly #wires: Wire[] = []
  readonly #urls: Urls

  /** `urls` are those of the servers themselves. */
  constructor(urls: Urls) {
    this.#urls = urls
  }

  get wires(): readonly Wire[] {
    return this.#wires
  }

  /** Lays a wire to each server, and returns the URLs at this side of it. */
  async connect(party: Party): Promise<Urls> {
    const mine: Partial<Record<ServerName, string>> = {}
    for (const [name, url] of Object.entries(this.#urls)) {
      const to = name as ServerName
      const at = new URL(url)
      const proxy = await startTcpProxy({ to: { host: at.hostname, port: Number(at.port) } })
      this.#wires.push({ party, to, proxy })
      at.port = String(proxy.port)
      mine[to] = at.href
    }
    return mine
  }

  /** Everything passes again. */
  heal(): void {
    for (const { proxy } of this.#wires) {
      proxy.accept()
      proxy.thaw()
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#wires.map(({ proxy }) => proxy[Symbol.asyncDispose]()))
  }
}
