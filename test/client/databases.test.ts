// Databases of single tenants, which are opened when a tenant is worked for.
import { expect, test } from 'vitest'
import { withDatabases } from '../../src/client/databases.ts'
import { createHomes } from '../../src/client/index.ts'

function track() {
  const closed: string[] = []
  const open = (db: string) => ({ db })
  const close = async (db: string) => void closed.push(db)
  return { closed, options: { open, close } }
}

test('a database is closed once, and none is opened once the homes are closed', async () => {
  const { closed, options } = track()
  const databases = withDatabases(new Map(), options)
  const first = databases.get('one:5432/a')
  const closing = databases.close()
  const closedError = expect.objectContaining({ code: 'USAGE' })
  expect(() => databases.get('two:5432/b')).toThrow(closedError)
  expect(() => first?.db).toThrow(closedError)
  await closing
  await databases.close()
  expect(closed).toEqual(['one:5432/a'])
})

test('homes with databases do not claim to hear of changes', async () => {
  const { options } = track()
  const homes = createHomes({ databases: options, first: (tenant) => `db:5432/${tenant}` })
  expect((await homes.of('acme')).db).toBe('db:5432/acme')
  expect(homes.isListening()).toBe(false)
  await homes.close()
})
