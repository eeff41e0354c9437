/**
 * The report as a page for people. It loads nothing, runs nothing, forbids both to the browser, and
 * can be printed. Everything that is not ours is escaped by the templates.
 */
import { createHash } from 'node:crypto'
import { type Content, constant, type Html, html } from '../html.ts'
import { number, span } from '../numbers.ts'
import { plot } from './plots.ts'
import type { Collected, ReportHead, TenantLine } from './run-report.ts'
import { isProven, type Totals } from './statistics.ts'

const style = `
:root { color-scheme: light; }
body { font: 14px/1.4 system-ui, sans-serif; color: #111; background: #fff; margin: 1.5rem auto; max-width: 70rem; padding: 0 1rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.15rem; margin-top: 2rem; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: .2rem .5rem; border-bottom: 1px solid #ccc; overflow-wrap: anywhere; }
th { border-bottom: 2px solid #555; } .n { text-align: right; white-space: nowrap; }
.tenant { break-inside: avoid; } .tenant tr + tr td { border-bottom: 2px solid #999; padding-left: 1.5rem; }
th[scope=row] { width: 14rem; border-bottom: 1px solid #ccc; } .wide { overflow-x: auto; }
thead { display: table-header-group; } ul { margin: 0; padding-left: 1.1rem; }
code { font: 12px/1.3 ui-monospace, monospace; overflow-wrap: anywhere; }
.bad { font-weight: bold; color: #9c1616; } figure { margin: 1rem 0; break-inside: avoid; } svg { max-width: 100%; height: auto; }
@media print { body { margin: 0; max-width: none; font-size: 11px; } .wide { overflow: visible; } }
`
const styleHash = createHash('sha256').update(style).digest('base64')
const policy = `default-src 'none'; style-src 'sha256-${styleHash}'; base-uri 'none'; form-action 'none'`

export const pageEnd = '</script>\n</body>\n</html>\n'

/** All of the page but its data and its seal. `keyId`: of the key that signs; null: none. */
export async function* pageOf(
  { head, totals, lines }: Collected,
  keyId: string | null,
): AsyncGenerator<string, void, undefined> {
  const title = `Report of run ${head.run.id}`
  yield html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${constant(policy)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>${title}</title>
${constant(`<style>${style}</style>`)}
</head>
<body>
<h1>${title}</h1>
${runSection(head)}
${sealSection(keyId)}
${totalsSection(totals)}
<h2>Pauses and durations</h2>
${plot('Pause of writes', totals.pauses)}
${plot('Duration of the move', totals.durations)}
${decisionsSection(head)}
<h2>Tenants</h2>
<div class="wide">
<table>
<thead><tr><th>tenant</th><th>phase</th><th class="n">wave</th><th class="n">attempts</th><th class="n">failures</th>
<th class="n">rows</th><th>compared</th><th class="n">pause</th><th class="n">duration</th></tr></thead>
`.text
  for await (const line of lines()) yield tenantRows(JSON.parse(line)).text
  yield '</table>\n</div>'
}

function runSection({ run, generatedAt, generatedBy, generatorVersion }: ReportHead): Html {
  return html`<table>
${fact('Asked for by', `${run.enqueuedBy}, ${utc(run.enqueuedAt)}`)}
${fact('Plan', html`${run.plan}, sha256 <code>${run.planFingerprint}</code>`)}
${fact('From', html`<code>${run.source}</code>, scope ${run.scope}`)}
${fact('To', html`<code>${run.target}</code>`)}
${fact('rehome', `version ${run.rehomeVersion}`)}
${run.rehearsal ? fact('Kind', 'rehearsal: no tenant moves') : null}
${run.paused === null ? null : fact('Paused', run.paused)}
${fact('Waves', `${run.wave} of ${run.waveCount} begun`)}
${run.eventsRemovedUntil === null ? null : fact('Events', removedText(run.eventsRemovedUntil))}
${fact('This report', `made by ${generatedBy}, ${utc(generatedAt)}, with version ${generatorVersion}`)}
</table>`
}

function removedText(until: Date): string {
  return `removed by the retention, of errands that ended up to ${utc(until)}: failures, durations
and who asked for errands are unknown`
}

function sealSection(keyId: string | null): Html {
  if (keyId === null) {
    return html`<p class="bad">This report is not signed: it proves nothing.</p>`
  }
  return html`<p>Signed with the Ed25519 key <code>${keyId}</code> (sha256 of the public key).
Check it with <code>rehome report --verify FILE --key PUBLIC.pem</code>. Its data stands at the end of this file.</p>`
}

function totalsSection(totals: Totals): Html {
  const { tenants, open, provenEqual, withNotProven, rowsCopied } = totals
  return html`<h2>In total</h2>
<table>
${fact('Tenants', `${number(tenants)}, ${number(open)} with an open errand`)}
${fact('Phases', countsText(totals.phases))}
${fact('Failures', countsText(totals.failures) || 'none')}
${fact('Rows copied', number(rowsCopied))}
${fact('All tables compared and equal', `${number(provenEqual)} tenants`)}
${fact('With something not proven', `${number(withNotProven)} tenants`)}
</table>`
}

function countsText(counts: Readonly<Record<string, number>>): string {
  const parts = Object.entries(counts).map(([name, count]) => `${number(count)} ${name}`)
  return parts.join(', ')
}

function decisionsSection({ runEvents }: ReportHead): Html {
  if (runEvents.length === 0) return html`<h2>Decisions about the run</h2><p>None.</p>`
  const rows = runEvents.map(
    ({ at, kind, by, reason, data }) => html`<tr><td>${utc(at)}</td><td>${kind}</td><td>${by}</td>
<td>${reason ?? ''}</td><td><code>${JSON.stringify(data)}</code></td></tr>`,
  )
  return html`<h2>Decisions about the run</h2>
<div class="wide"><table><thead><tr><th>when</th><th>what</th><th>by</th><th>why</th><th></th></tr></thead>
${rows}
</table></div>`
}

function tenantRows(tenant: TenantLine): Html {
  const { tables, error, notProven } = tenant
  const facts = [
    ...(error ? [html`<span class="bad">${error.code}</span>: ${error.message}`] : []),
    ...tenant.events
      .filter(({ kind }) => kind === 'asked')
      .map(({ at, message }) => html`${utc(at)}: ${message}`),
    ...tables.map(tableText),
    ...notProven.map(
      ({ kind, where, detail }) => html`<b>not proven</b> (${kind}) ${where}: ${detail}`,
    ),
  ]
  return html`<tbody class="tenant">
<tr><td><b>${tenant.tenant}</b></td><td>${tenant.phase}${tenant.open ? ` (${tenant.errand})` : ''}</td>
<td class="n">${tenant.wave}</td><td class="n">${tenant.attempts}</td><td class="n">${shown(tenant.failures)}</td>
<td class="n">${number(tenant.rowsCopied)}</td><td>${verdict(tenant)}</td>
<td class="n">${span(tenant.pauseMs)}</td><td class="n">${span(tenant.durationMs)}</td></tr>
<tr><td colspan="9"><ul>${facts.map((fact) => html`<li>${fact}</li>`)}</ul></td></tr>
</tbody>
`
}

function verdict(tenant: TenantLine): Html {
  if (isProven(tenant)) return html`${number(tenant.tables.length)} tables equal`
  const isDifferent = tenant.tables.some(({ equal }) => equal === false)
  return isDifferent ? html`<span class="bad">different</span>` : html`<b>not compared</b>`
}

function tableText({ table, read, written, ...comparison }: TenantLine['tables'][number]): Html {
  const { expected, differing, digest, equal } = comparison
  const copied = `${shown(read)} rows read, ${shown(written)} written`
  if (equal === null) return html`${table}: ${copied}, not compared`
  const differs = equal ? html`equal` : html`<span class="bad">${shown(differing)} differ</span>`
  return html`${table}: ${copied}, ${shown(expected)} expected, ${shown(comparison.found)} found, ${differs},
digest <code>${digest ?? '–'}</code>`
}

function shown(count: number | null): string {
  return count === null ? '–' : number(count)
}

function fact(name: string, value: Content): Html {
  return html`<tr><th scope="row">${name}</th><td>${value}</td></tr>`
}

function utc(at: Date | string): string {
  return `${new Date(at).toISOString().replace('T', ' ').replace('Z', '')} UTC`
}
