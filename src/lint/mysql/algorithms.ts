/**
 * How MySQL carries out an operation, by the tables "Online DDL Operations" of the manuals of 5.7,
 * 8.0 and 8.4. What is not known counts as COPY, the worst.
 */
import type { Operation } from './operations.ts'

export interface Execution {
  /** INSTANT changes the dictionary only; INPLACE stays within InnoDB; COPY makes a new table. */
  readonly algorithm: 'INSTANT' | 'INPLACE' | 'COPY'
  /** Are all rows written again? */
  readonly rebuilds: boolean
  /** NONE: reads and writes go on. SHARED: reads go on. */
  readonly lock: 'NONE' | 'SHARED'
}

const instant: Execution = { algorithm: 'INSTANT', rebuilds: false, lock: 'NONE' }
const inplace: Execution = { algorithm: 'INPLACE', rebuilds: false, lock: 'NONE' }
const rebuild: Execution = { algorithm: 'INPLACE', rebuilds: true, lock: 'NONE' }
const blocking: Execution = { algorithm: 'INPLACE', rebuilds: false, lock: 'SHARED' }
const blockingRebuild: Execution = { algorithm: 'INPLACE', rebuilds: true, lock: 'SHARED' }
const copy: Execution = { algorithm: 'COPY', rebuilds: true, lock: 'SHARED' }

export interface Circumstances {
  /** 8.0.29 is 80029. */
  readonly version: number
  /** Definition of the column before, in capitals, if a linted file has it. */
  readonly before: string | undefined
  /** Does the same statement add the primary key that it drops? */
  readonly addsPrimaryKey: boolean
  /** Has the session SET foreign_key_checks = 0? */
  readonly ignoresForeignKeys: boolean
}

export function executionOf(operation: Operation, around: Circumstances): Execution {
  const { version } = around
  const from8 = version >= 80000
  switch (operation.kind) {
    case 'add column':
      return ofNewColumn(operation, version)
    case 'drop column':
      return version >= 80029 ? instant : rebuild
    case 'rename column':
      return version >= 80028 ? instant : inplace
    case 'modify column':
      return ofModified(operation, around)
    case 'change default':
    case 'rename table':
      return from8 ? instant : inplace
    case 'add fulltext index':
    case 'add spatial index':
      return blocking
    case 'add index':
    case 'add unique index':
    case 'drop index':
    case 'drop foreign key':
    case 'drop check':
    case 'change index':
    case 'change option':
    case 'change partitions':
      return inplace
    case 'add primary key':
    case 'rebuild':
      return rebuild
    case 'drop primary key':
      return around.addsPrimaryKey ? rebuild : copy
    case 'reorganize partitions':
      return blockingRebuild
    case 'add foreign key':
      return around.ignoresForeignKeys ? inplace : copy
    case 'add check':
    case 'convert character set':
    case 'partition anew':
    case 'copying option':
    case 'other':
      return copy
  }
}

function ofNewColumn({ definition }: Operation, version: number): Execution {
  if (/\bAUTO_INCREMENT\b/.test(definition)) return blockingRebuild
  if (/\bAS \(/.test(definition)) {
    if (/\bSTORED\b|\bPERSISTENT\b/.test(definition)) return copy
    return version >= 80000 ? instant : inplace
  }
  if (/\bDEFAULT \(/.test(definition)) return copy
  // Its index is built in place, which INSTANT cannot do.
  if (/\b(?:UNIQUE|KEY)\b/.test(definition)) return rebuild
  const isLast = !/ (?:FIRST|AFTER \S+)$/.test(definition)
  if (version >= 80029 || (version >= 80012 && isLast)) return instant
  return rebuild
}

function ofModified({ definition, renamed }: Operation, around: Circumstances): Execution {
  const { before, version } = around
  if (before === undefined) return copy
  const [from, to] = [typeOf(before), typeOf(definition)]
  const charset = charsetOf(before)
  if (charset !== '' && charsetOf(definition) !== '' && charset !== charsetOf(definition))
    return copy
  if (from !== to && !grows(from, to, bytesEach(charset, version))) return copy
  if (isNullable(before) !== isNullable(definition)) return rebuild
  if (/ (?:FIRST|AFTER \S+)$/.test(definition)) return rebuild
  if (/^(?:ENUM|SET)/.test(to) && from !== to) return version >= 80000 ? instant : inplace
  return renamed !== '' && version >= 80028 ? instant : inplace
}

/** Type with its length, its values, and UNSIGNED. */
function typeOf(definition: string): string {
  const [type = ''] =
    /^\w+(?: \((?:'(?:[^'\\]|\\.|'')*'|[^')])*\))?(?: UNSIGNED)?/.exec(definition) ?? []
  return type
}

function isNullable(definition: string): boolean {
  return !/\bNOT NULL\b|\bPRIMARY KEY\b/.test(definition)
}

/** Character set in capitals; empty: the definition states none. */
function charsetOf(definition: string): string {
  return /\b(?:CHARACTER SET|CHARSET) (?:= )?`?(\w+)/.exec(definition)?.[1] ?? ''
}

/** Bytes that a character may take. Of an unknown set, all that are possible. */
function bytesEach(charset: string, version: number): number[] {
  if (charset === 'UTF8MB4' || (charset === '' && version >= 80000)) return [4]
  if (charset === 'UTF8' || charset === 'UTF8MB3') return [3]
  return charset === 'LATIN1' || charset === 'ASCII' ? [1] : [1, 2, 3, 4]
}

/**
 * VARCHAR whose length is stored in as many bytes as before, and ENUM or SET with new values at its
 * end that are stored in as many bytes.
 */
function grows(from: string, to: string, bytes: readonly number[]): boolean {
  const lengths = [from, to].map((type) =>
    Number(/^VARCHAR \( (\d+) \)$/.exec(type)?.[1] ?? Number.NaN),
  )
  const [before = Number.NaN, after = Number.NaN] = lengths
  if (after >= before) return bytes.every((each) => before * each > 255 === after * each > 255)
  const values = /^(?:ENUM|SET) \(/.test(from) && from.endsWith(')')
  const isLonger = values && to.startsWith(`${from.slice(0, -1).trimEnd()} ,`)
  return isLonger && valueBytes(from) === valueBytes(to)
}

function valueBytes(type: string): number {
  const count = [...type.matchAll(/'(?:[^'\\]|\\.|'')*'/g)].length
  if (type.startsWith('ENUM')) return count > 255 ? 2 : 1
  return count > 32 ? 8 : Math.ceil(count / 8)
}
