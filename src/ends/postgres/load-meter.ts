/**
 * The load on a database: how long a commit takes that waits for the disk as those of the
 * application do, by the server's own clock, and what its views show of sessions and standbys. One
 * call. A message in the log of the server is all that is written: no row, and nothing to clean up.
 */
import { literal } from '../../quote.ts'
import type { SqlEnd } from '../end.ts'
import type { LoadMeter } from '../load.ts'
import { queryTogether } from './query-together.ts'

export function loadMeterAt({ lifeline }: SqlEnd): LoadMeter {
  return {
    what: 'commits at',
    async look({ standby }) {
      const statements = ['begin', writeOnly, 'commit', took, selectViews(standby)]
      const [, , , timed, views] = await queryTogether(lifeline, statements)
      return { ms: timed?.rows[0].ms, ...views?.rows[0], asks: null }
    },
  }
}

const writeOnly = `select pg_catalog.pg_logical_emit_message(true, 'rehome', '')`

/** Since the call arrived. */
const took = `select pg_catalog.date_part('epoch',
    pg_catalog.clock_timestamp() operator(pg_catalog.-) pg_catalog.statement_timestamp())
  operator(pg_catalog.*) 1000 as ms`

/** Others' states, and standbys, are shown to members of pg_read_all_stats alone. */
function selectViews(standby: string | undefined): string {
  const those = standby === undefined ? 'true' : `r.application_name = ${literal(standby)}`
  return `select (select pg_catalog.count(*)::int4 from pg_catalog.pg_stat_activity a
      where a.state = 'active' and a.backend_type = 'client backend'
        and a.application_name not like 'rehome %') as active,
    (select pg_catalog.max(pg_catalog.date_part('epoch', r.replay_lag) * 1000)
      from pg_catalog.pg_stat_replication r where ${those}) as "lagMs"`
}
