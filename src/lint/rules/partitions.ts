/** Rules for partitions, triggers, row security and replication. */
import { tableOf } from '../postgres/nodes.ts'
import { alters, drops, type PostgresRules, type Site } from '../postgres/site.ts'

function partitionOf(site: Site, type: 'AT_AttachPartition' | 'AT_DetachPartition') {
  const def = alters(site, type)?.def
  return def && 'PartitionCmd' in def ? def.PartitionCmd : null
}

export const partitionRules: PostgresRules = {
  'partition-attached'(site) {
    const attached = partitionOf(site, 'AT_AttachPartition')
    const partition = tableOf(attached?.name)
    const checks = [...(site.scene.checks.get(partition)?.values() ?? [])]
    if (
      !attached ||
      site.scene.isNew(partition) ||
      checks.some(({ isCheck, valid }) => isCheck && valid)
    )
      return null
    return { partition }
  },
  'partition-detached'(site) {
    const detached = partitionOf(site, 'AT_DetachPartition')
    return detached && !detached.concurrent ? { partition: tableOf(detached.name) } : null
  },
  'trigger-changed'(site) {
    const { node, table, scene, command, statement } = site
    const statementText = `${statement.text.replace(/;$/, '')};`
    const isCreated = 'CreateTrigStmt' in node || 'RuleStmt' in node
    if (isCreated && !scene.isNew(table)) return { object: table, statement: statementText }
    const isToggled = /^AT_(Enable|Disable)\w*(Trig|Rule$)/.test(command?.subtype ?? '')
    if (isToggled && !scene.isNew(table)) return { object: table, statement: statementText }
    const [dropped] = [...drops(site, 'OBJECT_TRIGGER'), ...drops(site, 'OBJECT_RULE')]
    const object = dropped?.slice(0, dropped.lastIndexOf('.'))
    return object && !scene.isNew(object) ? { object, statement: statementText } : null
  },
  'row-security-changed'(site) {
    const types = ['AT_EnableRowSecurity', 'AT_DisableRowSecurity'] as const
    const forced = ['AT_ForceRowSecurity', 'AT_NoForceRowSecurity'] as const
    if (alters(site, ...types, ...forced)) return {}
    const { node, table, scene } = site
    const isPolicy = 'CreatePolicyStmt' in node || 'AlterPolicyStmt' in node
    if (isPolicy && !scene.isNew(table)) return {}
    const [dropped] = drops(site, 'OBJECT_POLICY')
    const object = dropped?.slice(0, dropped.lastIndexOf('.')) ?? ''
    return scene.isNew(object) ? null : { table: object }
  },
  'replica-identity': (site) => (alters(site, 'AT_ReplicaIdentity') ? {} : null),
}
