/**
 * The contents of a report on a whole run, and how a run is read for it: once, in one snapshot,
 * into a temporary file with a line of canonical JSON a tenant. Every format is made from these
 * lines, so memory does not grow with the run, and the control database waits for no reader.
 */
import { type FileHandle, mkdtemp, open, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Control, Run } from '../control/database.ts'
import { type RunReader, readRunAtOnce } from '../control/runs/run-report.ts'
import { RehomeError, redact, storable } from '../errors.ts'
import { canonicalJson } from './canonical.ts'
import { createTotals, type Totals } from './statistics.ts'
import { type TenantReport, tenantReportOf } from './tenant-report.ts'

export const reportFormat = 'rehome-report/1'

export interface RunEventReport {
  readonly at: Date
  readonly kind: string
  readonly by: string
  readonly reason: string | null
  readonly data: unknown
}

export interface ReportHead {
  readonly format: typeof reportFormat
  readonly generatedAt: Date
  readonly generatedBy: string
  readonly generatorVersion: string
  readonly run: {
    readonly id: string
    readonly plan: string
    /** sha256 of the plan's text. */
    readonly planFingerprint: string
    readonly rehomeVersion: string
    readonly scope: string
    readonly source: string
    readonly target: string
    readonly enqueuedBy: string
    readonly enqueuedAt: Date
    readonly rehearsal: boolean
    readonly priority: string
    readonly paused: string | null
    readonly attemptsMax: number
    readonly wave: number
    readonly waveCount: number
    readonly waves: unknown
    readonly stopWhen: unknown
    /** Events of errands that ended up to then were removed. null: none were. */
    readonly eventsRemovedUntil: Date | null
  }
  readonly runEvents: readonly RunEventReport[]
}

/** A tenant as it comes out of its line: times are texts. */
export type TenantLine = Omit<TenantReport, 'events' | 'startedAt' | 'endedAt' | 'windowUntil'> & {
  readonly startedAt: string | null
  readonly endedAt: string | null
  readonly events: readonly (Omit<TenantReport['events'][number], 'at'> & { readonly at: string })[]
}

export interface Collected {
  readonly head: ReportHead
  readonly totals: Totals
  /** Canonical JSON, one text a tenant; as often as wanted. */
  lines(): AsyncIterable<string>
}

export interface Asking {
  readonly runId: string
  /** The caller's name. */
  readonly by: string
  /** The version of rehome that makes the report. */
  readonly version: string
}

/** Calls `work` with all that is known. No file is left behind. Throws RUN_UNKNOWN. */
export async function* withCollected(
  control: Control,
  asking: Asking,
  work: (collected: Collected) => AsyncIterable<string>,
): AsyncGenerator<string, void, undefined> {
  const file = await openNameless()
  try {
    const { runId } = asking
    const read = await readRunAtOnce(control, runId, async (reader) => ({
      head: headOf(reader, asking),
      totals: await spool(reader, file),
    }))
    if (!read) throw new RehomeError('RUN_UNKNOWN', `run "${runId}" does not exist`)
    yield* inChunks(work({ ...read, lines: () => linesOf(file) }))
  } finally {
    await file.close()
  }
}

/** A file that goes with its process, however that ends: it has no name any longer. */
async function openNameless(): Promise<FileHandle> {
  const folder = await mkdtemp(join(tmpdir(), 'rehome-report-'))
  try {
    return await open(join(folder, 'tenants'), 'wx+', 0o600)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function spool(reader: RunReader, file: FileHandle): Promise<Totals> {
  const totals = createTotals()
  const lines = async function* () {
    for await (const move of reader.moves()) {
      const tenant = tenantReportOf(move)
      totals.add(tenant)
      yield `${canonicalJson(tenant)}\n`
    }
  }
  for await (const text of inChunks(lines())) await file.write(text)
  return totals.end()
}

/** Canonical JSON has no line feed. */
function linesOf(file: FileHandle): AsyncIterable<string> {
  return createInterface({ input: file.createReadStream({ start: 0, autoClose: false }) })
}

function headOf({ at, run, runEvents }: RunReader, { by, version }: Asking): ReportHead {
  return {
    format: reportFormat,
    generatedAt: at,
    generatedBy: by,
    generatorVersion: version,
    run: runOf(run),
    runEvents: runEvents.map(({ at, kind, by, reason, data }) => {
      return { at, kind, by, reason: reason === null ? null : storable(reason), data }
    }),
  }
}

function runOf(run: Run): ReportHead['run'] {
  return {
    id: run.id,
    plan: run.plan_name,
    planFingerprint: run.plan_fingerprint,
    rehomeVersion: run.rehome_version,
    scope: run.scope,
    source: redact(run.source),
    target: redact(run.target),
    enqueuedBy: run.created_by,
    enqueuedAt: run.created_at,
    rehearsal: run.rehearsal,
    priority: run.priority,
    paused: run.paused,
    attemptsMax: run.attempts,
    wave: run.wave,
    waveCount: run.wave_count,
    waves: run.waves,
    stopWhen: run.stop_when,
    eventsRemovedUntil: run.events_gone_until,
  }
}

const chunkLength = 64 * 1024

/** Puts texts together into fewer and longer ones, which cost one write each. */
async function* inChunks(texts: AsyncIterable<string>): AsyncGenerator<string, void, undefined> {
  let chunk = ''
  for await (const text of texts) {
    chunk += text
    if (chunk.length < chunkLength) continue
    yield chunk
    chunk = ''
  }
  if (chunk !== '') yield chunk
}
