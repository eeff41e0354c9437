// A control database without room for another connection.
import { randomUUID } from 'node:crypto'
import { expect, test } from 'vitest'
import { rehomeProcess } from '../helpers/command.ts'
import { writePlanFile } from '../helpers/plans/plan-file.ts'
import { createWorld } from '../helpers/world.ts'

test('a worker that finds the server full says so in one line, and ends', async () => {
  await using file = await writePlanFile(`['acme']`)
  await using world = await createWorld({ backend: { name: 'postgres' } })
  const { pool } = world.control
  const role = `crowded_${randomUUID().slice(0, 8)}`
  const schemas = 'in schema rehome_control, bullmq'
  // Enough for its first calls, and not for the queues that it takes jobs from.
  await pool.query(`create role ${role} login password 'x' connection limit 4;
    grant usage on schema rehome_control, bullmq to ${role};
    grant all on all tables ${schemas} to ${role};
    grant all on all sequences ${schemas} to ${role}`)
  const url = new URL(world.control.url)
  Object.assign(url, { username: role, password: 'x' })
  const environment = { ...world.environment, CONTROL_URL: url.href, LOG_LEVEL: 'silent' }
  const { code, error } = await rehomeProcess(['worker', file.path], environment)
  await pool.query(`drop owned by ${role}; drop role ${role}`)
  // Its queue has several connections: the first one to fail is reported.
  const queue = 'the queue( in the control database)? is out of reach'
  const line = `^rehome: UNREACHABLE: ${queue}: too many connections for role "${role}"$`
  expect(error.trim()).toMatch(new RegExp(line))
  expect(code).toBe(6)
})
