/** An end that is reached over HTTP: where it is, and how to ask it. */
import type { HttpEndpoint } from '../../plan/endpoint.ts'
import type { Feed } from '../feed.ts'
import type { Flags } from '../flags.ts'
import type { Rows } from '../rows.ts'
import { reachEnd } from '../web/reach.ts'
import { askingBy } from './asking.ts'
import { httpFeed } from './http-feed.ts'
import { httpFlags } from './http-flags.ts'
import { httpRows } from './http-rows.ts'

export interface HttpEnd {
  readonly kind: 'http'
  readonly name: 'source' | 'target'
  /** `https://host:port/path`. */
  readonly place: string
  readonly flags: Flags
  readonly rows: Rows
  /** Where its description says that it offers one. */
  readonly feed: Feed
  close(): void
}

/** Throws SETTING_MISSING or PLAN_INVALID. Connects later. */
export function openHttpEnd(
  name: 'source' | 'target',
  end: HttpEndpoint,
  environment: NodeJS.ProcessEnv = process.env,
): HttpEnd {
  const { place, where, forRows, forFlags } = reachEnd(name, end, environment)
  return {
    kind: 'http',
    name,
    place,
    flags: httpFlags(askingBy(forFlags, where)),
    rows: httpRows(askingBy(forRows, where), { pageRows: end.pageRows }),
    feed: httpFeed(askingBy(forRows, where), { pageRows: end.pageRows }),
    close() {
      forRows.close()
      forFlags.close()
    },
  }
}
