// Which columns get the ids that the other end has for the same rows of everybody, and how they
// are read.
import { describe, expect, test } from 'vitest'
import { table } from '../../src/plan/plan.ts'
import { sourceOf } from '../../src/plan/routing/identity.ts'
import { asTheyWere, columnSql } from '../../src/plan/routing/shared-ids.ts'
import { wayBack } from '../../src/plan/routing/way-back.ts'
import { shared } from '../../src/plan/shared-table.ts'
import { planOf, route } from '../helpers/catalog.ts'

const tables = {
  users: { id: 'int8 key', email: 'text not-null unique', team: 'int8 -> teams.id' },
  teams: { id: 'int8 key', name: 'text not-null unique' },
  memberships: {
    tenant_id: 'text key',
    user_id: 'int8 key -> users.id',
    email: 'text -> users.email',
  },
  badges: {
    columns: { id: 'int8 key', tenant_id: 'text not-null', user_id: 'int8', given_by: 'int4' },
    foreignKeys: ['tenant_id, user_id -> memberships (tenant_id, user_id)'],
  },
}

const plan = planOf([
  table('memberships'),
  table('badges'),
  shared('users', {
    referencedBy: ['memberships.user_id', 'badges.given_by', 'memberships.email'],
    newIds: { by: ['email'] },
  }),
  shared('teams', { referencedBy: 'users.team' }),
])

const routing = () => {
  const { routes, shared, findings } = route(plan, tables)
  expect(findings).toEqual([])
  const of = (name: string) => [...routes, ...shared].find(({ source }) => source.name === name)
  return { memberships: of('memberships'), badges: of('badges'), users: of('users') }
}

const translated = (columns: readonly { name: string; ids?: unknown }[] = []) =>
  columns.flatMap(({ name, ids }) => (ids ? [name] : []))

describe('ids of shared rows', () => {
  test('become those of the target in the columns that refer to them, at any distance', () => {
    const { memberships, badges, users } = routing()
    expect(translated(memberships?.columns)).toEqual(['user_id'])
    expect(translated(badges?.columns)).toEqual(['user_id', 'given_by'])
    // Its parents' ids are the same at both ends.
    expect(translated(users?.columns)).toEqual([])
    expect(memberships && sourceOf(memberships, ['user_id'])).toBeNull()
    expect(memberships && sourceOf(memberships, ['tenant_id'])).toEqual(['tenant_id'])
  })

  test('are read with the pairs of the end that they go to, once an attempt has them', () => {
    const { badges, users } = routing()
    const column = badges?.columns.find(({ name }) => name === 'given_by')
    const back = badges && wayBack(badges).columns.find(({ name }) => name === 'given_by')
    if (!column || !back) throw new Error('there is no such column')
    expect(columnSql(column)).toBe('r."given_by"')
    users?.sharedIds?.open()
    users?.sharedIds?.note({ source: '4', target: '40' })
    const own = `'{"4":"40"}'::pg_catalog.jsonb operator(pg_catalog.->>) (r."given_by")::pg_catalog.text`
    expect(columnSql(column)).toContain(`coalesce(${own},`)
    expect(columnSql(column)).toMatch(/::pg_catalog\."int4"$/)
    expect(columnSql(back)).toContain(`'{"40":"4"}'::pg_catalog.jsonb`)
    expect(asTheyWere([column]).map(columnSql)).toEqual([`(${own})::pg_catalog."int4"`])
  })
})
