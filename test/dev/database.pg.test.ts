import pg from 'pg'
import { describe, expect, inject, test } from 'vitest'
import { createDatabase, templateDatabase } from '../helpers/database.ts'
import { query } from '../helpers/schemas/query.ts'

describe('a test database', () => {
  test('is its own, even when several are made at the same time', async () => {
    const databases = await Promise.all([1, 2, 3].map(() => createDatabase()))
    for (const { pool, name } of databases) await pool.query(`create table only_in_${name} ()`)
    for (const { pool } of databases) {
      const { rows } = await pool.query(`select relname from pg_class where relname ~ '^only_in'`)
      expect(rows).toHaveLength(1)
    }
    await Promise.all(databases.map((database) => database.drop()))
  })

  test('may be dropped twice, and with clients that were never released', async () => {
    const database = await createDatabase()
    await database.pool.connect()
    const other = new pg.Client(database.url)
    other.on('error', () => {})
    await other.connect()
    await database.drop()
    await database.drop()
    await expect(query(database.url, 'select 1')).rejects.toMatchObject({ code: '3D000' })
  })

  test('is a copy of a template that is built once by concurrent callers', async () => {
    let built = 0
    const template = () =>
      templateDatabase('counted', async (url) => {
        built++
        await query(url, 'create table kept as select 1 as id')
      })
    const names = await Promise.all([template(), template(), template()])
    await using database = await createDatabase({ template: names[0] ?? '' })
    expect((await database.pool.query('select id from kept')).rows).toEqual([{ id: 1 }])
    expect(built).toBe(1)
  })

  test('whose template could not be built is said so, and built anew by the next', async () => {
    const fail = async () => Promise.reject(new Error('no such migration'))
    await expect(templateDatabase('retried', fail)).rejects.toThrow('no such migration')
    expect(await templateDatabase('retried', async () => {})).toBe('template_retried')
    const sql = `select datname from pg_database where datname ~ 'retried'`
    expect(await query(inject('postgresUrl'), sql)).toEqual([{ datname: 'template_retried' }])
  })
})
