// The libraries that applications reach PostgreSQL with, each doing the same two things.
import { PrismaPg } from '@prisma/adapter-pg'
import { sql as drizzleSql } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/node-postgres'
import { drizzle as drizzleOfPostgres } from 'drizzle-orm/postgres-js'
import { Kysely, PostgresDialect, sql } from 'kysely'
import postgres from 'postgres'
import { openPool } from '../database.ts'
import { openPrisma } from './prisma.ts'

/** A statement, or something that happens between two of them. */
export type Step = string | (() => Promise<unknown>)

export interface Opened {
  run(statement: string): Promise<unknown>
  /** One REPEATABLE READ transaction. */
  transact(steps: readonly Step[]): Promise<unknown>
  close(): Promise<unknown>
}

export type Library = (url: string) => Opened | Promise<Opened>

async function each(steps: readonly Step[], run: Opened['run']): Promise<void> {
  for (const step of steps) await (typeof step === 'string' ? run(step) : step())
}

export const libraries: Readonly<Record<string, Library>> = {
  pg: (url) => {
    const pool = openPool(url)
    return {
      run: (statement) => pool.query(statement),
      async transact(steps) {
        const client = await pool.connect()
        const run = (statement: string) => client.query(statement)
        try {
          await each(['begin isolation level repeatable read', ...steps, 'commit'], run)
        } finally {
          await client.query('rollback')
          client.release()
        }
      },
      close: () => pool.end(),
    }
  },
  Kysely: (url) => {
    const pool = openPool(url)
    const db = new Kysely<unknown>({ dialect: new PostgresDialect({ pool }) })
    return {
      run: (statement) => sql.raw(statement).execute(db),
      transact: (steps) =>
        db
          .transaction()
          .setIsolationLevel('repeatable read')
          .execute((trx) => each(steps, (statement) => sql.raw(statement).execute(trx))),
      close: () => db.destroy(),
    }
  },
  'Drizzle on pg': (url) => {
    const pool = openPool(url)
    const db = drizzle(pool)
    return {
      run: (statement) => db.execute(drizzleSql.raw(statement)),
      transact: (steps) =>
        db.transaction((tx) => each(steps, (text) => tx.execute(drizzleSql.raw(text))), {
          isolationLevel: 'repeatable read',
        }),
      close: () => pool.end(),
    }
  },
  'postgres.js': (url) => {
    const client = postgres(url)
    return {
      run: (statement) => client.unsafe(statement),
      transact: (steps) =>
        client.begin('isolation level repeatable read', (tx) =>
          each(steps, (statement) => tx.unsafe(statement)),
        ),
      close: () => client.end(),
    }
  },
  'Drizzle on postgres.js': (url) => {
    const client = postgres(url)
    const db = drizzleOfPostgres(client)
    return {
      run: (statement) => db.execute(drizzleSql.raw(statement)),
      transact: (steps) =>
        db.transaction((tx) => each(steps, (text) => tx.execute(drizzleSql.raw(text))), {
          isolationLevel: 'repeatable read',
        }),
      close: () => client.end(),
    }
  },
  "Prisma's adapter": async (url) => {
    const pool = openPool(url)
    const adapter = await new PrismaPg(pool).connect()
    const query = (statement: string) => ({ sql: statement, args: [], argTypes: [] })
    return {
      run: (statement) => adapter.queryRaw(query(statement)),
      async transact(steps) {
        const tx = await adapter.startTransaction('REPEATABLE READ')
        const run = (statement: string) => tx.executeRaw(query(statement))
        try {
          await each([...steps, 'commit'], run)
        } finally {
          await run('rollback')
          await tx.rollback()
        }
      },
      close: () => pool.end(),
    }
  },
  Prisma: (url) => {
    const prisma = openPrisma(url)
    return {
      run: (statement) => prisma.$executeRawUnsafe(statement),
      transact: (steps) =>
        prisma.$transaction((tx) => each(steps, (statement) => tx.$executeRawUnsafe(statement)), {
          isolationLevel: 'RepeatableRead',
        }),
      close: () => prisma.close(),
    }
  },
}
