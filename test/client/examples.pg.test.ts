// The example applications, used over HTTP by people who save while their tenants really move.
import { describe, expect, test } from 'vitest'
import { createHomesWorld } from '../helpers/client/homes-world.ts'
import {
  type Create,
  frameworks,
  notesAt,
  people,
  saving,
  start,
  textsOf,
} from '../helpers/client/notebooks.ts'
import { eventually } from '../helpers/eventually.ts'
import { partOf } from '../helpers/rotation.ts'
import { ended, runAll } from '../helpers/runs.ts'

describe.each(partOf(frameworks, 2))('a notebook on %s', (_, create) => {
  test('goes on saving while its tenant moves, and comes back with what it saved', async () => {
    await using at = await createHomesWorld({ rollback: { windowMs: 60_000 } })
    const url = await start(at, create)
    await at.world.work()
    const users = people(url, ['acme', 'acme', 'acme'])
    const more = async () => {
      const before = users.saved.length
      await eventually(() => expect(users.saved.length).toBeGreaterThan(before + 5))
    }
    await more()
    const runId = await runAll(at.world, ['acme'])
    await more()
    expect((await notesAt(at, 'target')).length).toBeGreaterThan(
      (await notesAt(at, 'source')).length,
    )
    await at.world.rehome.rollback(runId, { tenants: ['acme'] })
    expect((await ended(at.world, runId)).get('acme')?.phase).toBe('rolled_back')
    await more()
    const saved = await users.stop()
    expect(saved.filter(({ status }) => status !== 201)).toEqual([])
    expect(await notesAt(at, 'source')).toEqual(textsOf(saved))
    const listed = (await (await fetch(`${url}/acme/notes`)).json()) as { body: string }[]
    expect(saved.map(({ body }) => body)).toContain(listed[0]?.body)
  })

  test('says politely that it is read-only when waiting is over', async () => {
    await using at = await createHomesWorld()
    const url = await start(at, create, '1s')
    const { lower } = await at.fence('acme')
    const response = await saving(url, 'acme', 'too long')
    expect(response.status).toBe(503)
    expect(response.headers.get('tenant-mode')).toBe('read-only')
    expect(response.headers.get('retry-after')).toBe('3')
    expect(response.headers.get('content-type')).toMatch(/^application\/problem\+json/)
    const problem = { type: 'urn:rehome:tenant-read-only', tenant: 'acme', reason: 'moving' }
    expect(await response.json()).toMatchObject(problem)
    expect((await saving(url, 'beta', 'meanwhile')).status).toBe(201)
    await lower()
    expect((await saving(url, 'acme', 'then')).status).toBe(201)
  })
})

test('a page shows a banner, and a form that was refused leads back to it with a notice', async () => {
  await using at = await createHomesWorld()
  const url = await start(at, frameworks[0]?.[1] as Create, '1s')
  const { lower } = await at.fence('acme')
  const page = `${url}/acme/notes`
  const html = { accept: 'text/html', referer: page }
  const shown = await (await fetch(page, { headers: html })).text()
  expect(shown).toContain('<div role="status" class="rehome-banner">')
  const form = new URLSearchParams({ body: '<b>mine</b>' })
  const posted = { method: 'POST', headers: html, body: form, redirect: 'manual' } as const
  const refused = await fetch(page, posted)
  expect([refused.status, refused.headers.get('location')]).toEqual([303, '/acme/notes'])
  const cookie = refused.headers.get('set-cookie')?.split(';')[0] ?? ''
  await lower()
  const back = await fetch(page, { headers: { ...html, cookie } })
  expect(await back.text()).toContain('<div role="status" class="rehome-notice">')
  const saved = await fetch(page, posted)
  expect([saved.status, saved.headers.get('location')]).toEqual([303, '/acme/notes'])
  expect(await (await fetch(page, { headers: html })).text()).toContain('&#60;b&#62;mine')
})
