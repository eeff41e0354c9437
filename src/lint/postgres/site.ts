/** One operation of a statement, as rules look at it: ALTER TABLE may have several. */
import type { AlterTableCmd, AlterTableType, Node } from 'libpg-query'
import type { Rules } from '../rule.ts'
import { objectName, tableOf } from './nodes.ts'
import type { Statement } from './parse.ts'
import type { Scene } from './scene.ts'

export interface Site {
  readonly statement: Statement
  readonly node: Node
  /** The part of an ALTER TABLE. */
  readonly command: AlterTableCmd | undefined
  /** Is it the first operation of its statement? */
  readonly first: boolean
  /** The table that is changed; empty: none, or several. */
  readonly table: string
  readonly scene: Scene
}

export type PostgresRules = Rules<Site>

export function sitesOf(statement: Statement, scene: Scene): Site[] {
  const { node } = statement
  const base = { statement, node, table: changedTable(node), scene }
  const commands = 'AlterTableStmt' in node ? (node.AlterTableStmt.cmds ?? []) : []
  const parts = commands.flatMap((one) => ('AlterTableCmd' in one ? [one.AlterTableCmd] : []))
  if (parts.length === 0) return [{ ...base, command: undefined, first: true }]
  return parts.map((command, i) => ({ ...base, command, first: i === 0 }))
}

/** The command, if it is one of these on a table that existed before this file. */
export function alters(site: Site, ...types: AlterTableType[]): AlterTableCmd | null {
  const { command, node } = site
  const isTable = 'AlterTableStmt' in node && node.AlterTableStmt.objtype === 'OBJECT_TABLE'
  if (!isTable || site.scene.isNew(site.table)) return null
  return command?.subtype !== undefined && types.includes(command.subtype) ? command : null
}

/** Names of the objects that a DROP of this kind removes, without those of this file. */
export function drops({ node, scene }: Site, type: string): string[] {
  if (!('DropStmt' in node) || node.DropStmt.removeType !== type) return []
  const names = (node.DropStmt.objects ?? []).map(objectName)
  return names.filter((name) => !scene.created.has(name))
}

function changedTable(node: Node): string {
  if ('AlterTableStmt' in node) return tableOf(node.AlterTableStmt.relation)
  if ('IndexStmt' in node) return tableOf(node.IndexStmt.relation)
  if ('RenameStmt' in node) return node.RenameStmt.relation ? tableOf(node.RenameStmt.relation) : ''
  if ('AlterObjectSchemaStmt' in node) return tableOf(node.AlterObjectSchemaStmt.relation)
  if ('UpdateStmt' in node) return tableOf(node.UpdateStmt.relation)
  if ('DeleteStmt' in node) return tableOf(node.DeleteStmt.relation)
  if ('CreateTrigStmt' in node) return tableOf(node.CreateTrigStmt.relation)
  if ('CreatePolicyStmt' in node) return tableOf(node.CreatePolicyStmt.table)
  if ('AlterPolicyStmt' in node) return tableOf(node.AlterPolicyStmt.table)
  if ('RuleStmt' in node) return tableOf(node.RuleStmt.relation)
  if ('ClusterStmt' in node) return tableOf(node.ClusterStmt.relation)
  if ('RefreshMatViewStmt' in node) return tableOf(node.RefreshMatViewStmt.relation)
  return ''
}
