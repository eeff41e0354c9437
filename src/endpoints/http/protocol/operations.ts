/** Every operation of the protocol, by its name. */
import type { z } from 'zod'
import { flagOperations } from './flags.ts'
import { rowOperations } from './rows.ts'

export const operations = { ...flagOperations, ...rowOperations }

export type OperationName = keyof typeof operations
export type RequestOf<N extends OperationName> = z.output<(typeof operations)[N]['request']>
export type ResultOf<N extends OperationName> = z.output<(typeof operations)[N]['result']>

/** Below the end's URL: `v1/flags/take-turn`. */
export function pathOf(name: OperationName | 'read' | 'write'): string {
  const kebab = name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
  return `v1/${name in flagOperations ? 'flags' : 'rows'}/${kebab}`
}
