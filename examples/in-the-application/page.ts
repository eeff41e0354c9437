// What the three example applications have in common: a notebook a tenant, at /<tenant>/notes.
import { pathToFileURL } from 'node:url'
import { Pool } from 'pg'

export interface Pools {
  /** Where tenants have lived so far, and where they move to. */
  readonly old: Pool
  readonly new: Pool
}

export interface Note {
  readonly id: string
  readonly body: string | null
}

/** OLD_URL and NEW_URL: the ends of the plan by which tenants move. */
export function poolsFrom(environment: NodeJS.ProcessEnv): Pools {
  const { OLD_URL, NEW_URL } = environment
  if (!OLD_URL || !NEW_URL) throw new Error('set OLD_URL and NEW_URL')
  return { old: poolOf(OLD_URL), new: poolOf(NEW_URL) }
}

function poolOf(url: string): Pool {
  const pool = new Pool({ connectionString: url })
  // An idle connection failed: the next query reports it.
  pool.on('error', () => {})
  return pool
}

/** The first part of the path; real applications ask the session. */
export function tenantOfPath(path: string): string {
  return decodeURIComponent(path.split('/')[1] ?? '')
}

/** `banner` and `notice` are HTML already. */
export function notesPage(notes: readonly Note[], { banner, notice }: Record<string, string>) {
  const items = notes.map(({ body }) => `<li>${escaped(body ?? '')}</li>`).join('')
  return `<!doctype html><title>Notes</title>${banner}${notice}
    <form method="post"><input name="body"><button>Save</button></form><ul>${items}</ul>`
}

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
}

export function isMain(url: string): boolean {
  return url === pathToFileURL(process.argv[1] ?? '').href
}
