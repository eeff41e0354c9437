/** The advice for an error code: the paragraph "What to do" of its section in docs/errors.md. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { packageRoot } from '../../migrations.ts'

let advices: ReadonlyMap<string, string> | null = null

/** Plain text. null: the code is not known, or the package has no docs. */
export function adviceFor(code: string): string | null {
  advices ??= readAdvices()
  return advices.get(code) ?? null
}

function readAdvices(): ReadonlyMap<string, string> {
  try {
    return advicesIn(readFileSync(join(packageRoot(), 'docs', 'errors.md'), 'utf8'))
  } catch {
    return new Map()
  }
}

export function advicesIn(page: string): ReadonlyMap<string, string> {
  const sections = page.split(/^### /m).slice(1)
  return new Map(
    sections.flatMap((section) => {
      const code = /^`(\w+)`/.exec(section)?.[1]
      const text = /\*\*What to do:\*\*\s+([\s\S]*)/.exec(section)?.[1]
      const advice = text?.split(/^## /m)[0]
      return code && advice ? [[code, plain(advice)] as const] : []
    }),
  )
}

/** Links become their texts, lines of a paragraph are joined. */
function plain(markdown: string): string {
  return markdown
    .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
    .replace(/\*\*/g, '')
    .split(/\n\s*\n/)
    .map((paragraph) => paragraph.replace(/\s*\n(?!- )\s*/g, ' ').trim())
    .filter((paragraph) => paragraph !== '')
    .join('\n')
}
