/**
 * The common parts of the board's own pages: frame, style, and the headers of every answer. All
 * pages can be read without JavaScript; their few scripts are files of this board. They load
 * nothing from elsewhere, which their policy forbids to the browser, too.
 */
import { createHash } from 'node:crypto'
import { type Content, constant, type Html, html } from '../html.ts'
import { type Asset, assetPath, readAsset } from './assets.ts'

const style = readAsset('board.css')

const styleElement = constant(`<style>${style}</style>`)
const styleHash = createHash('sha256').update(style).digest('base64')

/** Headers of every answer; an HTML page of Bull Board has a policy of its own. */
export const securityHeaders = {
  'content-security-policy': [
    "default-src 'none'",
    `style-src 'sha256-${styleHash}'`,
    "script-src 'self'",
    "connect-src 'self'",
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
  /** Scripts in addition to the one of all pages, which keep a page as it is up to date. */
  readonly scripts?: readonly Asset[] | undefined
  /** Comes again after so many seconds where there is no JavaScript. */
  readonly elseAfterS?: number | undefined
}

/**
 * The referrer stays within this site: without it a browser would not send where a form came from.
 */
export function page({ title, body, refresh, scripts = [], elseAfterS }: PageOptions): string {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<meta name="referrer" content="same-origin">
<link rel="icon" href="data:,">
${refresh ? refreshElement(refresh) : null}
${elseAfterS ? html`<noscript>${refreshElement({ afterS: elseAfterS })}</noscript>` : null}
<title>${title}</title>
${styleElement}
${(['board.js', ...scripts] as const).map(scriptElement)}
</head>
<body>
${body}
</body>
</html>
`.text
}

export function errorPage(what: string, message: string): string {
  const body = html`${navigation()}<main><h1>${what}</h1><p>${message}</p></main>`
  return page({ title: `${what} · rehome`, body })
}

function scriptElement(name: Asset): Html {
  return html`<script type="module" src="${assetPath(name)}"></script>`
}

/** The links at the head of every page but that of the sign-in. */
export function navigation(more: Content = null): Html {
  return html`<nav><a href="/runs">Runs</a><a href="/">Queues</a>${more}</nav>`
}

function refreshElement({ afterS, to }: { afterS: number; to?: string }): Html {
  const then = to === undefined ? '' : `; url=${to}`
  return html`<meta http-equiv="refresh" content="${afterS}${then}">`
}

/** An entry of a list of facts. */
export function fact(name: string, value: Content): Html {
  return html`<div><dt>${name}</dt><dd>${value}</dd></div>`
}
