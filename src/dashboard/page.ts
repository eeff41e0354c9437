/**
 * The common parts of the board's own pages: frame, style, and the headers of every answer. The
 * pages have no script and load nothing, which their policy says to the browser, too.
 */
import { createHash } from 'node:crypto'
import { type Content, constant, type Html, html } from './html.ts'

const style = `
:root { color-scheme: light dark; --line: light-dark(#d8dde4, #303843);
  --dim: light-dark(#5b6775, #98a5b5); --card: light-dark(#ffffff, #1b2129);
  --good: light-dark(#1a7f4b, #5fd196); --bad: light-dark(#b3261e, #ff8a80);
  --work: light-dark(#1f5fbf, #8ab4ff); }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1.5rem; max-width: 62rem; font: 15px/1.5 system-ui, sans-serif;
  background: light-dark(#f4f6f8, #12161b); color: light-dark(#1b232d, #e4e9ef); }
a { color: var(--work); }
nav { display: flex; justify-content: space-between; font-size: .9rem; }
h1 { font-size: 1.5rem; margin: 1rem 0 0; overflow-wrap: anywhere; }
h2 { font-size: 1rem; margin: 0 0 .6rem; }
main { max-width: 28rem; margin: 12vh auto 0; }
p { margin: .4rem 0; }
section { background: var(--card); border: 1px solid var(--line); border-radius: 8px;
  padding: 1rem 1.2rem; margin: 1rem 0; overflow-x: auto; }
dl { display: grid; grid-template-columns: repeat(auto-fit, minmax(11.5rem, 1fr)); gap: .8rem;
  margin: 0; }
dt, th { color: var(--dim); font-weight: 400; font-size: .85rem; }
dd { margin: 0; overflow-wrap: anywhere; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; padding: .25rem 1rem .25rem 0; border-bottom: 1px solid var(--line);
  vertical-align: top; }
tr:last-child td { border-bottom: 0; }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; }
td.message { overflow-wrap: anywhere; }
time { white-space: nowrap; }
time, code, pre { font: .85rem/1.5 ui-monospace, monospace; }
pre { white-space: pre-wrap; overflow-wrap: anywhere; margin: .6rem 0 0; }
summary { cursor: pointer; color: var(--dim); }
meter, progress { width: 100%; min-width: 8rem; }
.dim { color: var(--dim); }
.good { color: var(--good); } .bad { color: var(--bad); } .work { color: var(--work); }
.phase { font-weight: 600; }
section.bad { color: inherit; border-left: 4px solid var(--bad); }
input, button { font: inherit; padding: .4rem .8rem; border-radius: 6px; color: inherit;
  border: 1px solid var(--line); background: transparent; }
input { width: 100%; margin: .3rem 0 .8rem; }
button { cursor: pointer; border-color: var(--work); color: var(--work); }
`

const styleElement = constant(`<style>${style}</style>`)
const styleHash = createHash('sha256').update(style).digest('base64')

/** Headers of every answer; an HTML page of Bull Board has a policy of its own. */
export const securityHeaders = {
  'content-security-policy': [
    "default-src 'none'",
    `style-src 'sha256-${styleHash}'`,
    'img-src data:',
    "form-action 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
  ].join('; '),
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
  'cache-control': 'no-store',
} as const

export interface PageOptions {
  readonly title: string
  readonly body: Content
  /** Comes again by itself after so many seconds, here or at another path. */
  readonly refresh?: { readonly afterS: number; readonly to?: string } | undefined
}

/**
 * The referrer stays within this site: without it a browser would not say where a form came from.
 */
export function page({ title, body, refresh }: PageOptions): string {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<meta name="referrer" content="same-origin">
<link rel="icon" href="data:,">
${refresh ? refreshElement(refresh) : null}
<title>${title}</title>
${styleElement}
</head>
<body>
${body}
</body>
</html>
`.text
}

function refreshElement({ afterS, to }: { afterS: number; to?: string }): Html {
  const then = to === undefined ? '' : `; url=${to}`
  return html`<meta http-equiv="refresh" content="${afterS}${then}">`
}
