// Moves by the role of each managed service that docs/managed-postgresql.md has a row for.
import { test } from 'vitest'
import { moveAsCustomerOf, services } from './managed-world.ts'

test.each(Object.keys(services))(
  'the role of %s installs, moves a tenant and brings it back with what its rights allow',
  async (name) => await moveAsCustomerOf(name),
)
