/**
 * Copies by other means: psql's COPY through a pipe, which is the limit of what one
 * connection to each end can do, and the script that everybody writes first.
 */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import pg from 'pg'
import { systemPostgres } from '../../dev/postgres.ts'
import { expressions, type TargetName, type Work } from './plans.ts'
import { type TableName, tables } from './schema.ts'
import { columnNames, type ShardWorld } from './world.ts'

const run = promisify(execFile)

export interface Psql {
  readonly program: string
  readonly name: string
}

/** Throws where there is none. */
export async function findPsql(): Promise<Psql> {
  const installed = (await systemPostgres()).map(({ bin }) => `${bin}/psql`)
  for (const program of ['psql', ...installed]) {
    const said = await run(program, ['--version']).catch(() => null)
    if (said) return { program, name: said.stdout.trim() }
  }
  throw new Error('psql is the peer of this bench, and not here: install PostgreSQL’s client')
}

interface Pipe {
  readonly target: TargetName
  readonly work: Extract<Work, 'plain' | 'sql'>
  readonly ordered: boolean
  /** Tenant after tenant; absent: whole tables, with whatever else is in them. */
  readonly tenants?: readonly string[]
}

/** Table after table: `psql -c 'copy … to stdout' | psql -c 'copy … from stdin'`, in binary. */
export async function psqlPipe({ program }: Psql, world: ShardWorld, pipe: Pipe): Promise<void> {
  const env = {
    PATH: process.env.PATH,
    PSQL: program,
    SOURCE: world.urls.source,
    TARGET: world.urls[pipe.target],
    // Foreign keys checked row by row would double its time.
    PGOPTIONS: '-c session_replication_role=replica',
  }
  const selects = (pipe.tenants ?? [null]).flatMap((tenant) =>
    tables.map((name) => [name, selectOf(name, pipe, tenant)] as const),
  )
  for (const [name, select] of selects) {
    const read = `copy (${select}) to stdout (format binary)`
    const write = `copy ${name} (${columnNames(name).join(', ')}) from stdin (format binary)`
    const script =
      'set -e; "$PSQL" -Xq -c "$READ" "$SOURCE" | "$PSQL" -Xq -v ON_ERROR_STOP=1 -c "$WRITE" "$TARGET"'
    await run('sh', ['-c', script], { env: { ...env, READ: read, WRITE: write } })
  }
}

function selectOf(name: TableName, { work, ordered }: Pipe, tenant: string | null): string {
  const computed: Readonly<Record<string, string>> = work === 'sql' ? expressions[name] : {}
  const list = columnNames(name).map((column) => computed[column] ?? `r.${column}`)
  const order = ordered ? ' order by r.id' : ''
  const where = tenant === null ? '' : ` where r.tenant_id = '${tenant}'`
  return `select ${list.join(', ')} from ${name} r${where}${order}`
}

const pageRows = 1000

/** SELECT a page, INSERT its rows with one statement, and so on; no check of anything. */
export async function naiveScript(world: ShardWorld, target: TargetName): Promise<void> {
  const source = new pg.Client({ connectionString: world.urls.source })
  const sink = new pg.Client({ connectionString: world.urls[target] })
  await Promise.all([source.connect(), sink.connect()])
  try {
    for (const tenant of world.tenants) {
      for (const name of tables) await copyPages({ source, sink }, name, tenant)
    }
  } finally {
    await Promise.all([source.end(), sink.end()])
  }
}

async function copyPages(
  ends: { source: pg.Client; sink: pg.Client },
  name: TableName,
  tenant: string,
) {
  const names = columnNames(name)
  const list = names.join(', ')
  let after: unknown = null
  for (;;) {
    const page = `select ${list} from ${name} where tenant_id = $1 and ($2::text is null or id >
      ($2::text)::${name === 'projects' ? 'uuid' : 'bigint'}) order by id limit ${pageRows}`
    const { rows } = await ends.source.query(page, [tenant, after])
    if (rows.length === 0) return
    const places = rows.map(
      (_, i) => `(${names.map((_, j) => `$${i * names.length + j + 1}`).join(', ')})`,
    )
    const values = rows.flatMap((row) => names.map((column) => row[column]))
    await ends.sink.query(`insert into ${name} (${list}) values ${places.join(', ')}`, values)
    after = rows.at(-1).id
  }
}
