// A run as the control database might have it, and reports of it as files.
import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { MoveWithEvents } from '../../src/control/runs/run-report.ts'
import { canonicalJson } from '../../src/report/canonical.ts'
import { type ReportFormat, reportTexts } from '../../src/report/report-file.ts'
import { type Collected, reportFormat } from '../../src/report/run-report.ts'
import { createTotals } from '../../src/report/statistics.ts'
import { tenantReportOf } from '../../src/report/tenant-report.ts'
import { verifyReport } from '../../src/report/verify.ts'

export const at = (second: number) => new Date(Date.UTC(2026, 0, 1, 0, 0, second))

export function event(second: number, what: string, data = {}) {
  const [kind = '', ...words] = what.split(' ')
  const message = words.join(' ')
  const phase = kind === 'phase' ? message : null
  return { move_id: 'm', at: at(second), attempt: 1, kind, message, phase, data }
}

export function moveOf(tenant: string, changes: Partial<MoveWithEvents['move']> = {}) {
  const tables = [
    { table: 'notes', expected: 3, found: 3, differing: 0, digest: 'd1', equal: true, keys: [] },
  ]
  const move: MoveWithEvents['move'] = {
    ...{ id: 'm', tenant_id: tenant, phase: 'moved', errand: 'move', open: false, wave: 1 },
    ...{ attempt: 1, failed_phase: null, error_code: null, error_message: null },
    ...{ rows_total: '3', rows_copied: '3', pause_ms: 120, window_until: null, gives_way: null },
    evidence: {
      copied: { notes: { read: 3, written: 3 } },
      verified: { hash: 'md5', tables: tables.map((one) => ({ ...one, notCompared: [] })) },
      source: { place: 'db1:5432/a', serverVersion: 170000 },
      token: 'must not appear',
    },
    ...changes,
  }
  return move
}

export const lived = [
  event(0, 'phase preflight'),
  event(1, 'phase copy'),
  event(3, 'settled moved'),
]

export function collected(
  tenants: readonly string[],
  by = 'tester',
  eventsRemovedUntil: Date | null = null,
): Collected {
  const eventsRemoved = eventsRemovedUntil !== null
  const events = eventsRemoved ? [] : lived
  const reports = tenants.map((tenant) =>
    tenantReportOf({ move: moveOf(tenant), events, eventsRemoved }),
  )
  const totals = createTotals()
  for (const tenant of reports) totals.add(tenant)
  return {
    head: {
      ...{ format: reportFormat, generatedAt: at(60), generatedBy: by, generatorVersion: '1' },
      run: {
        ...{ id: 'run-1', plan: by, planFingerprint: 'f'.repeat(64), rehomeVersion: '1' },
        ...{ scope: 'default', source: 'db1:5432/a', target: 'db2:5432/b', enqueuedBy: by },
        ...{ enqueuedAt: at(0), rehearsal: false, priority: 'normal', paused: null },
        ...{ attemptsMax: 3, wave: 1, waveCount: 1, waves: null, stopWhen: null },
        eventsRemovedUntil,
      },
      runEvents: [{ at: at(1), kind: 'paused', by, reason: `because of ${by}`, data: { by } }],
    },
    totals: totals.end(),
    async *lines() {
      for (const tenant of reports) yield canonicalJson(tenant)
    },
  }
}

export async function textOf(
  found: Collected,
  format: ReportFormat,
  key: KeyObject | null = null,
): Promise<string> {
  let text = ''
  for await (const part of reportTexts(found, { format, key })) text += part
  return text
}

export function newKey(): { privateKey: KeyObject; publicPem: string; privatePem: string } {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519')
  const publicPem = publicKey.export({ type: 'spki', format: 'pem' }).toString()
  const privatePem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
  return { privateKey, publicPem, privatePem }
}

export interface Files extends AsyncDisposable {
  write(content: string | Uint8Array): Promise<string>
}

export async function temporaryFiles(): Promise<Files> {
  const folder = await mkdtemp(join(tmpdir(), 'report-test-'))
  let files = 0
  return {
    async write(content) {
      files += 1
      const path = join(folder, `${files}`)
      await writeFile(path, content)
      return path
    },
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true }),
  }
}

/**
 * Places at which a changed byte is not found. Tries each `step`th byte from the first one on, and
 * more in the seal.
 */
export async function unseenChanges(
  files: Files,
  text: string,
  { step, first = 0 }: { readonly step: number; readonly first?: number },
): Promise<number[]> {
  const bytes = Buffer.from(text)
  const unseen: number[] = []
  for (let i = first; i < bytes.length; i += i < bytes.length - 480 ? step : Math.ceil(step / 9)) {
    const changed = Buffer.from(bytes)
    changed[i] = (changed[i] ?? 0) ^ (1 << (i % 7))
    const found = verifyReport(await files.write(changed))
    const code = await found.then(
      () => 'agrees',
      (error) => error.code,
    )
    if (code !== 'REPORT_ALTERED') unseen.push(i)
  }
  return unseen
}
