/** An end that is reached over HTTP: where it is, and how to ask it. */
import { now } from '../../clock.ts'
import type { HttpEndpoint } from '../../plan/endpoint.ts'
import type { End } from '../end.ts'
import { unseen } from '../load.ts'
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
  const flags = httpFlags(askingBy(forFlags, where))
  const feed = httpFeed(asking, { pageRows: end.pageRows })
  return {
    name,
    place,
    flags,
    rows: httpRows(asking, { pageRows: end.pageRows }),
    digests: httpDigests(asking),
    feed: () => feed,
    load: {
      what: 'requests to',
      by: 'least',
      async look() {
        const began = now()
        await flags.answer()
        return { ms: now() - began, ...unseen, asks: forRows.refusal() }
      },
    },
    async close() {
      forRows.close()
      forFlags.close()
    },
  }
}
