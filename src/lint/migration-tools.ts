/**
 * Which tool a migration file belongs to, by its folder, name and marks: what of it is run, and in
 * which transaction. Pure.
 */
import { sqlInRuby, sqlInScript } from './code-sql.ts'
import { blank } from './quoted-sql.ts'
import type { SourceFile, Wrapping } from './source-file.ts'

type Content = Pick<SourceFile, 'parts' | 'wrapping' | 'builderLines'>

const scripts = /\.[cm]?[jt]s$/

/** Can the file be a migration? Files that undo one are not. */
export function isMigration(path: string): boolean {
  const name = path.slice(path.lastIndexOf('/') + 1)
  if (/\.down\.sql$|^U\d[\w.]*__.*\.sql$|^down\.sql$|\.undo\.sql$/i.test(name)) return false
  if (/\.sql$/i.test(name)) return true
  if (/\.rb$/.test(name)) return /(?:^|\/)db\/\w*migrate\//.test(path)
  const isScript = scripts.test(name) && !/\.(?:d|test|spec)\.[cm]?ts$/.test(name)
  return isScript && /(?:^|\/)\w*migrations?\//i.test(path)
}

export function contentOf(path: string, text: string): Content {
  if (scripts.test(path)) {
    const isAlone = /\btransaction\s*[:=]\s*false\b/.test(text)
    return { ...sqlInScript(text), wrapping: isAlone ? 'none' : 'whole' }
  }
  if (/\.rb$/.test(path)) {
    const isAlone = /\bdisable_ddl_transaction!/.test(text)
    return { ...sqlInRuby(text), wrapping: isAlone ? 'none' : 'whole' }
  }
  const parts = [{ sql: withoutDown(text), isBuilt: false }]
  return { parts, wrapping: wrappingOf(path, text), builderLines: [] }
}

function wrappingOf(path: string, text: string): Wrapping {
  if (/^--\s*\+goose\s+NO\s+TRANSACTION/im.test(text)) return 'none'
  if (/^--\s*migrate:up\b.*\btransaction:\s*false/im.test(text)) return 'none'
  if (/^--\s*(?:migrate:up|\+goose\s+Up)\b/im.test(text)) return 'whole'
  if (/^--> statement-breakpoint/m.test(text) || /(?:^|\/)drizzle\//.test(path)) return 'whole'
  const name = path.slice(path.lastIndexOf('/') + 1)
  // Prisma, golang-migrate and Flyway.
  const isSentAtOnce = /^migration\.sql$|\.up\.sql$|^[VR][\w.]*__.*\.sql$/.test(name)
  return isSentAtOnce ? 'implicit' : 'none'
}

/** The part that undoes it, of dbmate and goose, becomes blanks. */
function withoutDown(text: string): string {
  const from = text.search(/^--\s*(?:migrate:down|\+goose\s+Down)\b/im)
  return from < 0 ? text : text.slice(0, from) + blank(text.slice(from))
}
