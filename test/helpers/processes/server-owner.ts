// A process that starts a PostgreSQL server, for tests that then do something to the process.
//
// It prints one JSON object a line: the server once it is up, and then, by its argument:
// `stay` (until killed), `leave` (returns without stopping the server), or `answer-then-leave`
// (on SIGINT: asks the server once more, prints the answer, returns).
import { startPostgres } from '../../../dev/postgres.ts'
import { query } from '../schemas/query.ts'

const postgres = await startPostgres({ name: 'owned' })
const forever = setInterval(() => {}, 60_000)
if (process.argv[2] === 'leave') clearInterval(forever)
if (process.argv[2] === 'answer-then-leave') {
  process.once('SIGINT', async () => {
    say({ rows: await query(postgres.url, 'select 6 * 7 as answer') })
    clearInterval(forever)
  })
}
// Last, as its reader may act at once.
say({ pid: postgres.pid, directory: postgres.directory })

function say(message: object): void {
  process.stdout.write(`${JSON.stringify(message)}\n`)
}
