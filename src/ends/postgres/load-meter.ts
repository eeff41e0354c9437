/**
 * The load on a database: how long a commit takes that waits for the disk as those of the
 * application do, by the server's own clock, and what its views show of sessions and standbys. One
 * call. A message in the log of the server is all that is written: no row, and nothing to clean up.
 */
import { type Pool, sqlStateOf, withClient } from '../../postgres.ts'
import { literal } from '../../quote.ts'
import type { SqlEnd } from '../end.ts'
import type { LoadMeter } from '../load.ts'
import { queryTogether } from './query-together.ts'

/** Looks have a connection of their own: they keep no call about a fence waiting. */
export function loadMeterAt({ looks }: SqlEnd): LoadMeter | undefined {
  if (!looks) return undefined
  let isRefused = false
  return {
    what: 'commits at',
    by: 'mean',
    async look({ standby }) {
      const views = selectViews(standby)
      if (!isRefused) {
        const shown = await commitAndLook(looks, views).catch((error: unknown) => {
          if (!refusals.has(sqlStateOf(error) ?? '')) throw error
          isRefused = true
        })
        if (shown) return shown
      }
      return { ms: null, ...(await looks.query(views)).rows[0], asks: null }
    },
  }
}

/** Our role may not call the function, or there is none: commits cannot be timed there. */
const refusals = new Set(['42501', '42883'])

/** A connection on which it fails is still in the transaction, so it is given up. */
async function commitAndLook(looks: Pool, views: string) {
  const statements = ['begin', writeOnly, 'commit', took, views]
  return await withClient(looks, async (client) => {
    const [, , , timed, viewed] = await queryTogether(client, statements)
    return { ms: timed?.rows[0].ms, ...viewed?.rows[0], asks: null }
  })
}

const writeOnly = `select pg_catalog.pg_logical_emit_message(true, 'rehome', '')`

/** Since the call arrived. */
const took = `select pg_catalog.date_part('epoch',
    pg_catalog.clock_timestamp() operator(pg_catalog.-) pg_catalog.statement_timestamp())
  operator(pg_catalog.*) 1000 as ms`

/** Others' states, and standbys, are shown to members of pg_read_all_stats alone. */
function selectViews(standby: string | undefined): string {
  const those = standby === undefined ? 'true' : `r.application_name = ${literal(standby)}`
  const isConnected = standby === undefined ? 'null' : 'pg_catalog.count(*) > 0'
  return `select (select pg_catalog.count(*)::int4 from pg_catalog.pg_stat_activity a
      where a.state = 'active' and a.backend_type = 'client backend'
        and a.application_name not like 'rehome %') as active,
    pg_catalog.max(pg_catalog.date_part('epoch', r.replay_lag) * 1000) as "lagMs",
    ${isConnected} as "isConnected"
    from pg_catalog.pg_stat_replication r where ${those}`
}
