/**
 * The page that asks for a token, and the form behind it. A right token is exchanged for a cookie;
 * the token itself is neither kept nor shown again.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { html } from '../html.ts'
import type { Logger } from '../log.ts'
import type { Access } from './access.ts'
import { page } from './page.ts'
import { localPath } from './same-origin.ts'
import type { WrongTokens } from './wrong-tokens.ts'

export const signInPath = '/sign-in'

interface SignInPage {
  /** Where to go on afterwards. */
  readonly to: string
  readonly wrong?: boolean
}

export function signInPage({ to, wrong = false }: SignInPage): string {
  const body = html`<main class="narrow">
<h1>rehome</h1>
<section${wrong ? html` class="bad"` : null}>
<form class="stacked" method="post" action="${signInPath}">
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
  { access, wrongTokens, log }: Pick<Offered, 'access' | 'wrongTokens' | 'log'>,
): void {
  app.get(signInPath, (_request, reply) =>
    access.hasTokens
      ? reply.type('text/html').send(signInPage({ to: '/' }))
      : reply.redirect('/', 303),
  )
  app.post(signInPath, (request, reply) => {
    const form = new URLSearchParams(typeof request.body === 'string' ? request.body : '')
    const to = localPath(form.get('to') ?? '/')
    const token = form.get('token') ?? ''
    return signIn({ access, wrongTokens, log, token, to }, request, reply)
  })
}

interface Offered {
  readonly access: Access
  readonly wrongTokens: WrongTokens
  readonly log: Logger
  readonly token: string
  readonly to: string
}

/** In the form that Bull Board's pages show as it is. */
export function refuseWrongTokens(reply: FastifyReply, waitS: number): FastifyReply {
  const message = `too many wrong tokens came from this address: try again in ${waitS} s`
  return reply
    .code(429)
    .header('retry-after', String(waitS))
    .send({ error: 'Too many tries', message })
}

/** A redirect with the cookie, or the page that asks again. */
export function signIn(
  offered: Offered,
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply {
  const { access, wrongTokens, log, token, to } = offered
  const waitS = wrongTokens.waitS(request.ip)
  if (waitS > 0) return refuseWrongTokens(reply, waitS)
  const https = /^https\b/.test(String(request.headers['x-forwarded-proto']))
  const signedIn = access.signIn(token, { port: request.socket.localPort, https })
  if (signedIn) {
    log.info({ role: signedIn.role, from: request.ip }, 'signed in to the board')
    return reply.header('set-cookie', signedIn.cookie).redirect(to, 303)
  }
  wrongTokens.count(request.ip)
  log.warn({ from: request.ip }, 'a wrong token was given to the board')
  return reply
    .code(401)
    .type('text/html')
    .send(signInPage({ to, wrong: true }))
}
