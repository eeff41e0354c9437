// What looking for a Redis can come to. Types only.

/** A Redis to use. `stop` ends it if it was started for this process, and leaves it otherwise. */
export interface FoundRedis extends AsyncDisposable {
  readonly url: string
  readonly origin: 'REDIS_URL' | 'program' | 'docker compose'
  stop(): Promise<void>
}

/** The reason why there is no Redis, as one sentence for the reader of the output. */
export interface MissingRedis {
  missing: string
}
