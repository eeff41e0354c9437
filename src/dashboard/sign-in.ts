/**
 * The page that asks for a token, and the form behind it. A right token is exchanged for a cookie;
 * the token itself is neither kept nor shown again.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Logger } from '../log.ts'
import type { Access } from './access.ts'
import { html } from './html.ts'
import { page } from './page.ts'
import { localPath } from './same-origin.ts'

export const signInPath = '/sign-in'

interface SignInPage {
  /** Where to go on afterwards. */
  readonly to: string
  readonly wrong?: boolean
}

export function signInPage({ to, wrong = false }: SignInPage): string {
  const body = html`<main>
<h1>rehome</h1>
<section${wrong ? html` class="bad"` : null}>
<form method="post" action="${signInPath}">
<p>${wrong ? 'That is not the token of this board.' : 'This board asks for its token.'}</p>
<label>Token
<input type="password" name="token" autocomplete="current-password" required autofocus></label>
<input type="hidden" name="to" value="${to}">
<button>Sign in</button>
</form>
</section>
<p class="dim">The token is the one that the board was started with.
Signed in already, and came by a link? <a href="${to}">Go on</a></p>
</main>`
  return page({ title: 'Sign in · rehome', body })
}

/**
 * Answers a click on another site's link, which brings no strict cookie: the page asks again
 * itself.
 */
export function onwardPage(to: string): string {
  const body = html`<p><a href="${to}">Go on</a></p>`
  return page({ title: 'rehome', body, refresh: { afterS: 0, to } })
}

export function signInRoutes(
  app: FastifyInstance,
  { access, log }: { access: Access; log: Logger },
): void {
  app.get(signInPath, (_request, reply) =>
    access.open ? reply.redirect('/', 303) : reply.type('text/html').send(signInPage({ to: '/' })),
  )
  app.post(signInPath, (request, reply) => {
    const form = new URLSearchParams(typeof request.body === 'string' ? request.body : '')
    const to = localPath(form.get('to') ?? '/')
    return signIn({ access, log, token: form.get('token') ?? '', to }, request, reply)
  })
}

/** A redirect with the cookie, or the page that asks again. */
export function signIn(
  offered: { access: Access; log: Logger; token: string; to: string },
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply {
  const { access, log, token, to } = offered
  const https = /^https\b/.test(String(request.headers['x-forwarded-proto']))
  const signedIn = access.signIn(token, { port: request.socket.localPort, https })
  if (signedIn) {
    log.info({ role: signedIn.role, from: request.ip }, 'signed in to the board')
    return reply.header('set-cookie', signedIn.cookie).redirect(to, 303)
  }
  log.warn({ from: request.ip }, 'a wrong token was given to the board')
  return reply
    .code(401)
    .type('text/html')
    .send(signInPage({ to, wrong: true }))
}
