// Schema changes under the roles that examples/roles/schema*.sql describe: the mover owns no table.
import { randomUUID } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { open } from '../../src/coordinator/rehome.ts'
import { createLog } from '../../src/log.ts'
import { openFolder } from '../helpers/processes/folder.ts'
import { createWorld, type World } from '../helpers/world.ts'

const read = async (file: string, names: Readonly<Record<string, string>>) => {
  const text = await readFile(new URL(`../../examples/roles/${file}.sql`, import.meta.url), 'utf8')
  return text.replace(/:"(\w+)"/g, (_, name: string) => `"${names[name]}"`)
}

function urlAs(url: string, role: string): string {
  const own = new URL(url)
  own.username = role
  own.password = role
  return own.href
}

/** Roles belong to the cluster: their names are this test's own. */
async function giveRoles(
  { source }: World,
  roles: readonly string[],
): Promise<() => Promise<void>> {
  for (const role of roles) {
    await source.pool.query(`create role "${role}" login password '${role}'`)
  }
  return async () => {
    for (const role of roles)
      await source.pool.query(`drop owned by "${role}"; drop role "${role}"`)
  }
}

test('a mover that owns no table changes the schema as its owner, and records that', async () => {
  await using world = await createWorld()
  const folder = await openFolder('rehome roles ')
  const suffix = randomUUID().slice(0, 8)
  const [mover, owner] = [`mover_${suffix}`, `owner_${suffix}`] as const
  const removeRoles = await giveRoles(world, [mover, owner])
  await world.source.pool.query(`alter table notes owner to "${owner}";
    grant create, usage on schema public to "${owner}"; grant usage on schema rehome to "${mover}"`)
  await world.source.pool.query(await read('schema', { mover, owner }))
  await folder.write('a.sql', `set role "${owner}"; alter table notes add column remark text;`)
  const environment = { ...world.environment, SOURCE_URL: urlAs(world.source.url, mover) }
  const rehome = await open({ environment, by: 'tester', log: createLog({ level: 'silent' }) })
  const schema = { folder: folder.path, expand: { source: ['a.sql'] } }
  const { steps } = await rehome.changeSchema(world.plan({ schema }), 'expand')
  expect(steps).toMatchObject([{ outcome: 'done', file: 'a.sql' }])
  await rehome.close()
  const { rows } = await world.source.pool.query('select number from rehome.schema_statements')
  expect(rows).toEqual([{ number: 2 }])
  await world.source.pool.query('alter table notes owner to current_user')
  await removeRoles()
  await folder.remove()
})
