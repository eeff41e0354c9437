/**
 * An SQL file as the units that `rehome schema` runs: each is done as a whole or not at all, or
 * shows in the catalogue how far it came. What could not be resumed is refused before anything
 * runs.
 */
import { createHash } from 'node:crypto'
import type { Node } from 'libpg-query'
import { RehomeError } from '../../../errors.ts'
import { type Batches, batchesIn } from '../../../lint/batches.ts'
import { contentOf } from '../../../lint/migration-tools.ts'
import { functionsIn, hasOption } from '../../../lint/postgres/nodes.ts'
import { loadParser, type Parsed, parseSql, type Statement } from '../../../lint/postgres/parse.ts'

/** A file as the plan names it. */
export interface ChangeFile {
  readonly name: string
  readonly text: string
}

/**
 * - setting: SET of the session, run again whenever the file goes on
 * - transaction: one statement, or those between BEGIN and COMMIT
 * - concurrent: a statement that refuses to run in a transaction
 * - batches: an UPDATE or DELETE that is divided
 */
export type UnitKind = 'setting' | 'transaction' | 'concurrent' | 'batches'

export interface Numbered extends Statement {
  /** From 1, as it stands in the file. */
  readonly number: number
  readonly hash: string
}

export interface Unit {
  readonly kind: UnitKind
  /** At least one. */
  readonly statements: readonly [Numbered, ...Numbered[]]
  /** How its transaction begins. */
  readonly begin: string
  readonly batches?: Batches
}

export interface UnitsOfFile {
  readonly name: string
  readonly hash: string
  readonly units: readonly Unit[]
}

/** Throws PREFLIGHT_FAILED with the line of what cannot be run so that it could be resumed. */
export async function unitsOf({ name, text }: ChangeFile): Promise<UnitsOfFile> {
  const [part] = contentOf(name, text.replace(/^\uFEFF/, '')).parts
  const own = part?.sql ?? ''
  refuseOtherTools(name, own)
  const parsed = parseSql(await loadParser(), own)
  if (parsed.fault) throw refused(name, parsed.fault.line, parsed.fault.message)
  const batches = dividedIn(name, parsed)
  const statements = parsed.statements.map((statement, i): Numbered => {
    const divided = batches.get(i)
    const hash = sha256(divided ? `${JSON.stringify(divided)} ${statement.text}` : statement.text)
    return { ...statement, number: i + 1, hash }
  })
  const units = grouped(name, statements, batches)
  return { name, hash: sha256(statements.map(({ hash }) => hash).join(' ')), units }
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}

/** The parser would read them as something else than the server. */
function refuseOtherTools(name: string, text: string): void {
  const match = /^\\[^\n]*|\$\{\w[\w.:-]*\}/m.exec(text)
  if (!match) return
  const line = text.slice(0, match.index).split('\n').length
  throw refused(name, line, `"${match[0].slice(0, 40)}" is for another tool, not SQL`)
}

function refused(name: string, line: number, message: string): RehomeError {
  return new RehomeError('PREFLIGHT_FAILED', `"${name}", line ${line}: ${message}`)
}

function dividedIn(name: string, { comments, statements }: Parsed): Map<number, Batches> {
  const divided = new Map<number, Batches>()
  for (const { line, statement, fault, key = [], size = 0 } of batchesIn(comments, statements)) {
    if (fault !== null) throw refused(name, line, `the comment rehome:batches: ${fault}`)
    divided.set(statement, { key, size })
  }
  return divided
}

function grouped(
  name: string,
  statements: readonly Numbered[],
  batches: ReadonlyMap<number, Batches>,
): Unit[] {
  const units: Unit[] = []
  let open: { begin: Numbered; statements: Numbered[] } | null = null
  for (const [i, statement] of statements.entries()) {
    const fault = faultOf(statement.node, open !== null)
    if (fault !== null) throw refused(name, statement.line, fault)
    const step = transactionStep(statement.node)
    const divided = batches.get(i)
    if (step === 'begin') open = { begin: statement, statements: [] }
    else if (step === 'commit') {
      const [first, ...rest] = open?.statements ?? []
      const begin = open?.begin.text ?? 'begin'
      if (first) units.push({ kind: 'transaction', statements: [first, ...rest], begin })
      open = null
    } else if (open) open.statements.push(statement)
    else {
      const kind = divided ? 'batches' : kindOf(statement.node)
      const unit = { kind, statements: [statement], begin: 'begin' } as const
      units.push(divided ? { ...unit, batches: divided } : unit)
    }
  }
  if (open) throw refused(name, open.begin.line, 'BEGIN has no COMMIT')
  return units
}

function transactionStep(node: Node): 'begin' | 'commit' | null {
  const kind = 'TransactionStmt' in node ? (node.TransactionStmt.kind ?? '') : ''
  if (/^TRANS_STMT_(BEGIN|START)$/.test(kind)) return 'begin'
  return kind === 'TRANS_STMT_COMMIT' ? 'commit' : null
}

function kindOf(node: Node): UnitKind {
  if ('VariableSetStmt' in node) return 'setting'
  if ('SelectStmt' in node && functionsIn(node).includes('set_config')) return 'setting'
  return isConcurrent(node) ? 'concurrent' : 'transaction'
}

function isConcurrent(node: Node): boolean {
  if ('IndexStmt' in node) return node.IndexStmt.concurrent === true
  if ('DropStmt' in node) return node.DropStmt.concurrent === true
  if ('ReindexStmt' in node) return hasOption(node.ReindexStmt.params, 'concurrently')
  if ('VacuumStmt' in node) return node.VacuumStmt.is_vacuumcmd === true
  if (!('AlterTableStmt' in node)) return false
  return (node.AlterTableStmt.cmds ?? []).some((one) => {
    const def = 'AlterTableCmd' in one ? one.AlterTableCmd.def : undefined
    return def && 'PartitionCmd' in def && def.PartitionCmd.concurrent === true
  })
}

function faultOf(node: Node, isWithin: boolean): string | null {
  if ('TransactionStmt' in node) return faultOfTransaction(node.TransactionStmt, isWithin)
  if (isWithin) return faultWithin(node)
  if ('IndexStmt' in node && node.IndexStmt.concurrent && !node.IndexStmt.idxname)
    return 'the index has no name, by which it could be found again'
  return faultAnywhere(node)
}

function faultOfTransaction(
  { kind = '', chain }: { kind?: string; chain?: boolean },
  isWithin: boolean,
): string | null {
  if (/^TRANS_STMT_(BEGIN|START)$/.test(kind)) return isWithin ? 'BEGIN stands after BEGIN' : null
  if (/^TRANS_STMT_(SAVEPOINT|RELEASE|ROLLBACK_TO)$/.test(kind))
    return isWithin ? null : 'a savepoint needs BEGIN before it'
  if (kind !== 'TRANS_STMT_COMMIT') return 'only BEGIN and COMMIT make transactions here'
  if (chain) return 'COMMIT AND CHAIN begins another transaction: write BEGIN'
  return isWithin ? null : 'COMMIT has no BEGIN'
}

function faultWithin(node: Node): string | null {
  if ('VariableSetStmt' in node && !node.VariableSetStmt.is_local)
    return 'SET stands in a transaction: write SET LOCAL, or write it before BEGIN'
  if (isConcurrent(node)) return 'this statement cannot run between BEGIN and COMMIT'
  return faultAnywhere(node)
}

function faultAnywhere(node: Node): string | null {
  if ('DiscardStmt' in node) return 'DISCARD would end the settings of this session'
  if ('VariableSetStmt' in node && node.VariableSetStmt.kind === 'VAR_RESET_ALL')
    return 'RESET ALL would end the settings of this session: name the setting'
  if ('CopyStmt' in node && !node.CopyStmt.filename && !node.CopyStmt.is_program)
    return 'COPY has no rows here: write INSERT'
  const isWhole = 'ClusterStmt' in node && !node.ClusterStmt.relation
  const [type = ''] = Object.keys(node)
  if (!isWhole && !outsideOnly.test(type)) return null
  return 'this statement cannot run in a transaction, so a command that is killed could not resume'
}

const outsideOnly =
  /^(CreatedbStmt|DropdbStmt|CreateTableSpaceStmt|DropTableSpaceStmt|AlterSystemStmt|(Create|Drop)SubscriptionStmt)$/
