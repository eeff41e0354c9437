/** An end that is an existing API: the plan's requests for its rows, and flags kept elsewhere. */
import type { ApiEndpoint } from '../../plan/endpoint.ts'
import type { End } from '../end.ts'
import type { Flags } from '../flags.ts'
import { unseen } from '../load.ts'
import { reachEnd } from '../web/reach.ts'
import { apiFlags } from './api-flags.ts'
import { apiRows, askApi } from './api-rows.ts'

/** `flagsOf`: flags that are kept for it elsewhere, under a scope of its own. */
export function openApiEnd(
  name: 'source' | 'target',
  end: ApiEndpoint,
  { environment, flagsOf }: { environment: NodeJS.ProcessEnv; flagsOf: (scope: string) => Flags },
): End {
  const { place, where, forRows, forFlags } = reachEnd(name, end, environment)
  const rows = { end, place, where, transport: forRows }
  const flags = { end, place, where, transport: forFlags }
  const tell = {
    close: async (request: Parameters<typeof end.fence.close>[0]) =>
      void (await askApi(flags, end.fence.close(request))),
    open: async (request: Parameters<typeof end.fence.open>[0]) =>
      void (await askApi(flags, end.fence.open(request))),
  }
  return {
    name,
    place,
    // Of this end alone: the same database may keep the flags of others, and have its own.
    flags: apiFlags(flagsOf(`flags of ${place}`), tell),
    rows: apiRows(rows),
    load: {
      what: 'requests to',
      by: 'least',
      // What a light request is to an API, only its application knows.
      look: async () => ({ ms: null, ...unseen, asks: forRows.refusal() }),
    },
    async close() {
      forRows.close()
      forFlags.close()
    },
  }
}
