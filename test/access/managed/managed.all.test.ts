// Moves by the role of each managed service that docs/managed-postgresql.md has a row for.
import { test } from 'vitest'
import { moveAsCustomerOf, services } from './managed-world.ts'

test.each(Object.keys(services))(
  'the role of %s installs, moves a tenant online, brings it back, moves it again and cleans up',
  async (name) => await moveAsCustomerOf(name, { andOn: true }),
)
