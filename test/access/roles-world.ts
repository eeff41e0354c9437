// The small world with each part under a role of its own, as examples/roles/*.sql has it: only the
// owner, who installs, owns anything.
//
// The files are run as they stand: only psql's variables are filled in. Roles belong to the whole
// server, so their names are this world's, and they go with it.

import { readFile } from 'node:fs/promises'
import pg from 'pg'
import { inject } from 'vitest'
import { startWorker } from '../../jobs/worker.ts'
import { install } from '../../src/coordinator/installation.ts'
import { type Library, openLibrary } from '../../src/coordinator/rehome.ts'
import { createLog } from '../../src/log.ts'
import { checkPlan } from '../../src/plan/check-plan.ts'
import { openPool } from '../helpers/database.ts'
import { createWorld, type World, type WorldOptions } from '../helpers/world.ts'

export type End = 'source' | 'target'
export type Place = End | 'control'
export type Role = 'owner' | 'application' | 'mover' | 'control'

export interface RolesWorld extends World {
  /** Name of this world's role at a place. */
  roleAt(place: Place, role: Role): string
  /** Variables that psql gets with `-v` there. */
  variablesAt(place: Place): Readonly<Record<string, string>>
  /** Connections of that role, closed with the world. */
  poolAt(place: Place, role: Role): pg.Pool
  /** At both ends, the line of target.sql that only a superuser may run, hence commented out. */
  grantReplication(): Promise<void>
  /** A worker that writes down what it logs. */
  workAndLog(): Promise<{ readonly lines: readonly string[] } & AsyncDisposable>
}

/** The statements of a file of examples/roles, one each, as psql would send them. */
export async function roleStatements(
  file: string,
  variables: Readonly<Record<string, string>>,
  commented?: RegExp,
): Promise<string[]> {
  const whole = await readFile(new URL(`../../examples/roles/${file}.sql`, import.meta.url), 'utf8')
  const text = commented ? (commented.exec(whole)?.[1] ?? '') : whole.replace(/^\s*--.*$/gm, '')
  return text
    .replace(/:"(\w+)"/g, (_, name: string) =>
      pg.escapeIdentifier(variables[name] ?? missing(name)),
    )
    .split(';')
    .map((statement) => statement.trim())
    .filter((statement) => statement !== '')
}

function missing(name: string): never {
  throw new Error(`no value for the variable ${name}`)
}

export const password = 'a/b?c#d e@f:g%h+i&j=Unmistakable'

/** Which files each place is given, in this order, once it is installed. */
export function grantFiles(place: Place, options: { redis: boolean }): string[] {
  if (place !== 'control') return [place]
  return options.redis ? ['control'] : ['control', 'queue']
}

const places = ['source', 'target', 'control'] as const

const rolesOf: Record<Place, readonly Role[]> = {
  source: ['owner', 'application', 'mover'],
  target: ['owner', 'application', 'mover'],
  control: ['owner', 'control'],
}

/** The owner has installed, everybody has what the files give, and `environment` is theirs. */
export async function createRolesWorld(options: WorldOptions = {}): Promise<RolesWorld> {
  const world = await createWorld({ ...options, bare: true })
  const redis = world.environment.REDIS_URL
  const at = new Roles(world)
  for (const place of places) await at.make(place)
  const environment = {
    SOURCE_URL: at.url('source', 'owner'),
    TARGET_URL: at.url('target', 'owner'),
  }
  const controlUrl = at.url('control', 'owner')
  await install({ controlUrl, redisUrl: redis, environment }, [checkPlan(world.plan())])
  for (const place of places) {
    for (const file of grantFiles(place, { redis: redis !== undefined })) await at.run(place, file)
  }
  Object.assign(world.environment, {
    CONTROL_URL: at.url('control', 'control'),
    SOURCE_URL: at.url('source', 'mover'),
    TARGET_URL: at.url('target', 'mover'),
  })
  const log = createLog({ level: process.env.LOG_LEVEL ?? 'silent' })
  const rehome = await openLibrary({ environment: world.environment, by: 'tester', log })
  return assemble(world, at, rehome)
}

function assemble(world: World, at: Roles, rehome: Library): RolesWorld {
  const { source, target, control, environment, plan, addTenant, work } = world
  return {
    ...{ source, target, control, environment, rehome, plan, addTenant, work },
    roleAt: (place, role) => at.name(role, place),
    poolAt: (place, role) => at.pool(place, role),
    variablesAt: (place) => at.variables(place),
    grantReplication: () => at.grantReplication(),
    async workAndLog() {
      const lines: string[] = []
      const destination = { write: (line: string) => void lines.push(line) }
      const log = createLog({ level: 'trace', destination })
      const settings = { environment, log, reconcileEveryMs: 500, lockMs: 3000 }
      const worker = await startWorker({ plans: [plan()], ...settings })
      return { lines, [Symbol.asyncDispose]: () => worker.close() }
    },
    async [Symbol.asyncDispose]() {
      await Promise.all([rehome.close(), at.end()])
      await world[Symbol.asyncDispose]()
      await at.drop()
    },
  }
}

class Roles {
  readonly #world: World
  readonly #pools = new Map<string, pg.Pool>()
  constructor(world: World) {
    this.#world = world
  }

  /** A name as hostile as it may be, which no other role has. */
  name(role: Role, place: Place): string {
    return `${role}'s "${place}" ${this.#world.control.name}`
  }

  variables(place: Place): Record<string, string> {
    const names = rolesOf[place].map((role) => [role, this.name(role, place)])
    return { ...Object.fromEntries(names), schema: 'public', DBNAME: this.#world[place].name }
  }

  url(place: Place, role: Role): string {
    const url = new URL(this.#world[place].url)
    url.username = encodeURIComponent(this.name(role, place))
    url.password = encodeURIComponent(password)
    return url.href
  }

  pool(place: Place, role: Role): pg.Pool {
    const url = this.url(place, role)
    const pool = this.#pools.get(url) ?? openPool(url, { max: 4 })
    this.#pools.set(url, pool)
    return pool
  }

  async run(place: Place, file: string, more: Record<string, string> = {}): Promise<void> {
    const variables = { ...this.variables(place), ...more }
    for (const statement of await roleStatements(file, variables)) {
      await this.#world[place].pool.query(statement)
    }
  }

  async grantReplication(): Promise<void> {
    for (const end of ['source', 'target'] as const) {
      const commented = /^-- (grant set.*)$/m
      const [statement] = await roleStatements('target', this.variables(end), commented)
      await this.#world[end].pool.query(statement ?? '')
    }
  }

  async make(place: Place): Promise<void> {
    const { pool } = this.#world[place]
    for (const role of rolesOf[place]) {
      const name = this.name(role, place)
      await this.run(place, 'role', { role: name })
      const secret = pg.escapeLiteral(password)
      await pool.query(`alter role ${pg.escapeIdentifier(name)} password ${secret}`)
    }
    await this.run(place, 'owner')
    await pool.query(handOver(pg.escapeLiteral(this.name('owner', place))))
    const [database, owner] = [this.#world[place].name, this.name('owner', place)]
    await pool.query(`revoke all on schema public from public;
      revoke all on database ${database} from public;
      grant connect on database ${database} to public;
      grant usage on schema public to ${pg.escapeIdentifier(owner)}`)
  }

  async end(): Promise<void> {
    await Promise.all([...this.#pools.values()].map((pool) => pool.end()))
  }

  /** Drops the roles once the databases are gone and nothing depends on them. */
  async drop(): Promise<void> {
    const names = places.flatMap((place) => rolesOf[place].map((role) => this.name(role, place)))
    const client = new pg.Client({ connectionString: inject('postgresUrl') })
    await client.connect()
    const roles = names.map(pg.escapeIdentifier).join(', ')
    await client.query(`drop owned by ${roles}`)
    await client.query(`drop role ${roles}`)
    await client.end()
  }
}

/** Gives all tables and enumerations of `public` to a role, named by a literal. */
export const handOver = (owner: string) => `
  do $$ declare this record; begin
    for this in select oid::regclass as name from pg_class
      where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') loop
      execute format('alter table %s owner to %I', this.name, ${owner});
    end loop;
    for this in select oid::regtype as name from pg_type
      where typnamespace = 'public'::regnamespace and typtype = 'e' loop
      execute format('alter type %s owner to %I', this.name, ${owner});
    end loop;
  end $$`
