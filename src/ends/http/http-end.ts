/** An end that is reached over HTTP: where it is, and how to ask it. */
import type { HttpEndpoint } from '../../plan/endpoint.ts'
import type { End } from '../end.ts'
import { reachEnd } from '../web/reach.ts'
import { askingBy } from './asking.ts'
import { httpFeed } from './http-feed.ts'
import { httpFlags } from './http-flags.ts'
import { httpDigests, httpRows } from './http-rows.ts'

/** Throws SETTING_MISSING or PLAN_INVALID. Connects later. */
export function openHttpEnd(
  name: 'source' | 'target',
  end: HttpEndpoint,
  environment: NodeJS.ProcessEnv = process.env,
): End {
  const { place, where, forRows, forFlags } = reachEnd(name, end, environment)
  const asking = askingBy(forRows, where)
  const feed = httpFeed(asking, { pageRows: end.pageRows })
  return {
    name,
    place,
    flags: httpFlags(askingBy(forFlags, where)),
    rows: httpRows(asking, { pageRows: end.pageRows }),
    digests: httpDigests(asking),
    feed: () => feed,
    async close() {
      forRows.close()
      forFlags.close()
    },
  }
}
