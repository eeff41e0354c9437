/** The address of a run's page, and which of its tenants it asks for. Pure. */
import { type TenantQuery, type TenantSort, tenantSorts } from '../../control/runs/run-tenants.ts'
import { textIn } from '../fields.ts'

export function runPath(runId: string, query: TenantQuery = {}): string {
  const fields = new URLSearchParams()
  if (query.search) fields.set('q', query.search)
  if (query.phase) fields.set('phase', query.phase)
  if (query.code) fields.set('code', query.code)
  if (query.sort && query.sort !== 'tenant') fields.set('sort', query.sort)
  if (query.page) fields.set('page', String(query.page + 1))
  const text = fields.toString()
  return `/runs/${encodeURIComponent(runId)}${text === '' ? '' : `?${text}#tenants`}`
}

/** Fields that choose tenants; the others set which page of them is shown. */
export const filterFields = ['q', 'phase', 'code'] as const

const pagesMax = 100_000

/**
 * Leaves out what makes no sense: an address is typed by people. Throws USAGE where a field is
 * there more than once.
 */
export function readRunQuery(query: unknown): TenantQuery {
  const field = (name: string) => (textIn(query, name) ?? '').replaceAll('\0', '').slice(0, 1024)
  const sort = tenantSorts.find((name: TenantSort) => name === field('sort'))
  const page = Number(field('page') || 1)
  return {
    search: field('q'),
    phase: field('phase'),
    code: field('code'),
    sort: sort ?? 'tenant',
    page: Number.isSafeInteger(page) && page >= 1 && page <= pagesMax ? page - 1 : 0,
  }
}
