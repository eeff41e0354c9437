/** Every operation of the protocol, by its name. */
import type { z } from 'zod'
import { feedOperations } from './feed-operations.ts'
import { flagOperations } from './flag-operations.ts'
import { rowOperations } from './row-operations.ts'

export const operations = { ...flagOperations, ...rowOperations, ...feedOperations }

export type OperationName = keyof typeof operations
export type RequestOf<N extends OperationName> = z.output<(typeof operations)[N]['request']>
export type ResultOf<N extends OperationName> = z.output<(typeof operations)[N]['result']>
/** Those whose bodies are lines. */
export type LinesName = 'read' | 'write' | 'changes' | 'apply'

/** Below the end's URL: `v1/flags/take-turn`. */
export function pathOf(name: OperationName | LinesName): string {
  const kebab = name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
  return `v1/${groupOf(name)}/${kebab}`
}

export function groupOf(name: string): 'flags' | 'feed' | 'rows' {
  if (name in flagOperations) return 'flags'
  return name in feedOperations || name === 'changes' || name === 'apply' ? 'feed' : 'rows'
}
