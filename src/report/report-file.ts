/**
 * A report of a run as one self-contained file: an HTML page with its data, the data as JSON, or
 * its tenants as CSV. HTML and JSON end with a seal; CSV has none.
 */
import { createHash, type KeyObject } from 'node:crypto'
import { canonicalJson } from './canonical.ts'
import { csvOf } from './csv.ts'
import { pageEnd, pageOf } from './html-report.ts'
import type { Collected } from './run-report.ts'
import { publicKeyIdOf, sealText } from './seal.ts'

export type ReportFormat = 'html' | 'json' | 'csv'

export const jsonStart = '{"report":'
export const jsonSeal = { before: ',"seal":', after: '}\n' } as const
export const dataStart = '<script type="application/json" id="rehome-report">'
export const dataEnd = '</script>'
export const htmlSeal = {
  before: '\n<script type="application/json" id="rehome-seal">',
  after: pageEnd,
} as const

export interface Writing {
  readonly format: ReportFormat
  readonly key: KeyObject | null
}

export async function* reportTexts(
  collected: Collected,
  { format, key }: Writing,
): AsyncGenerator<string, void, undefined> {
  if (format === 'csv') return yield* csvOf(collected)
  const [json, file] = [createHash('sha256'), createHash('sha256')]
  let jsonBytes = 0
  const tell = (text: string) => {
    file.update(text)
    return text
  }
  if (format === 'html') {
    for await (const text of pageOf(collected, publicKeyIdOf(key))) yield tell(text)
    yield tell(`\n${dataStart}`)
  } else yield tell(jsonStart)
  for await (const text of jsonOf(collected)) {
    json.update(text)
    jsonBytes += Buffer.byteLength(text)
    yield tell(text)
  }
  if (format === 'html') yield tell(dataEnd)
  const hashes = { jsonSha256: json.digest('hex'), fileSha256: file.digest('hex') }
  const { before, after } = format === 'html' ? htmlSeal : jsonSeal
  yield `${before}${sealText({ ...hashes, jsonBytes }, key)}${after}`
}

/** The canonical JSON of the whole report, in parts. Its keys are in their order already. */
async function* jsonOf({
  head,
  totals,
  lines,
}: Collected): AsyncGenerator<string, void, undefined> {
  yield `${canonicalJson(head).slice(0, -1)},"tenants":[`
  let comma = ''
  for await (const line of lines()) {
    yield comma + line
    comma = ','
  }
  yield `],"totals":${canonicalJson(totals)}}`
}
