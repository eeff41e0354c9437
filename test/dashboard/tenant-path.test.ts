// Tenant ids are any text: on their way through an address, and on the page.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { command } from '../../src/dashboard/retry.ts'
import { readTenantPath, tenantPath } from '../../src/dashboard/tenant-path.ts'
import { html, visible } from '../../src/html.ts'

const nasty = ['.', '..', '~.', '~~..', 'a.json', '.json', '..json', 'a/b', '%2E', '%', '?x#y', ' ']

test('every tenant id survives the way through an address, as a browser writes it', () => {
  const ids = fc.oneof(
    fc.string({ unit: 'binary', minLength: 1, maxLength: 30 }),
    fc.constantFrom(...nasty),
    fc.stringMatching(/^[~./%]{1,6}$/),
  )
  fc.assert(
    fc.property(ids, (tenant) => {
      const path = new URL(tenantPath('run-1', tenant), 'http://board').pathname
      expect(readTenantPath(path)).toEqual({ runId: 'run-1', tenant, json: false })
      expect(readTenantPath(`${path}.json?x=1`)).toEqual({ runId: 'run-1', tenant, json: true })
    }),
  )
})

test('an address written by hand need not encode dots', () => {
  expect(readTenantPath('/tenants/run-1/acme.com')).toEqual({
    runId: 'run-1',
    tenant: 'acme.com',
    json: false,
  })
  for (const path of [
    '/tenants/run-1',
    '/tenants/run-1/',
    '/tenants/a/b/c',
    '/tenants/%zz/b',
    '/',
  ]) {
    expect(readTenantPath(path), path).toBeNull()
  }
})

test('half a character does not keep a job from being listed', () => {
  expect(() => tenantPath('run-1', '\ud800')).not.toThrow()
})

test('whatever is put into a page stays text', () => {
  const text = html`<p title="${'"><script>'}">${"<b>&'`"} ${[html`<i>${'<'}</i>`]}</p>`.text
  expect(text).toBe(
    '<p title="&#34;&#62;&#60;script&#62;">&#60;b&#62;&#38;&#39;&#96; <i>&#60;</i></p>',
  )
  expect(visible('a\u202eb\u0000c\u2028\n\td')).toBe('a\\u{202e}b\\u{0}c\\u{2028}\n\td')
})

test('a command to copy takes the tenant as one word', () => {
  expect(command('retry', 'run-1', 'acme.com')).toBe('rehome retry run-1 --tenant acme.com')
  expect(command('retry', 'run-1', '-x')).toBe('rehome retry run-1 --tenant=-x')
  const hostile = "a'; rm -rf /"
  expect(command('rollback', 'run-1', hostile)).toBe(
    `rehome rollback run-1 --tenant 'a'\\''; rm -rf /'`,
  )
})
