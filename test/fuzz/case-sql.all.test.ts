// The SQL of drawn cases runs, and each row is whose its mark says: nothing is lost to a case that
// means nothing. Other cases with each commit.
import { expect, test } from 'vitest'
import { sqlOf } from '../../fuzz/cases/case-sql.ts'
import { drawCase } from '../../fuzz/draw/draw-case.ts'
import { createDatabase } from '../helpers/database.ts'
import { rotation } from '../helpers/rotation.ts'

const count = 200
/** In one table of this case a key without a hash function comes from a parent. */
const known = [{ seed: 1, number: 5127 }]

/** Policies of row security name it. */
const role = `do $$ begin create role application; exception when duplicate_object then null; end $$`

test('the SQL of every case runs at both ends', { timeout: 300_000 }, async () => {
  await using db = await createDatabase()
  const drawn = Array.from({ length: count }, (_, i) => ({ seed: rotation(), number: i }))
  const failed: string[] = []
  for (const { seed, number } of [...known, ...drawn]) {
    const kase = drawCase(seed, number)
    for (const end of ['source', 'target'] as const) {
      const client = await db.pool.connect()
      try {
        await client.query(`begin; ${role}; ${sqlOf(kase, end)} set constraints all immediate`)
      } catch (error) {
        failed.push(`${seed}/${number} ${end}: ${error}`)
      } finally {
        await client.query('rollback')
        client.release()
      }
    }
  }
  expect(failed).toEqual([])
})
