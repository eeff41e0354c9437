/** Rules for partitions, triggers, row security and replication. */
import { tableOf } from '../postgres/nodes.ts'
import { alters, drops, type PostgresRule, type Site } from '../postgres/site.ts'
import { timeout } from './common-steps.ts'

function partitionOf(site: Site, type: 'AT_AttachPartition' | 'AT_DetachPartition') {
  const def = alters(site, type)?.def
  return def && 'PartitionCmd' in def ? def.PartitionCmd : null
}

export const partitionRules: readonly PostgresRule[] = [
  {
    code: 'partition-attached',
    level: 'error',
    title: 'partition {partition} is attached to {table} without a validated CHECK',
    lock: 'SHARE UPDATE EXCLUSIVE',
    cost: 'scan',
    breaks:
      'All queries on the partition wait until each of its rows is compared with the bounds; so do ' +
      'queries on the default partition, if there is one.',
    example:
      "ALTER TABLE events ATTACH PARTITION events_old FOR VALUES FROM ('2020-01-01') TO ('2021-01-01');",
    steps: [
      {
        does: 'Add a CHECK with the same condition as the bounds. The column is `day` here.',
        sql:
          `${timeout}\nALTER TABLE {partition} ADD CONSTRAINT {partition}_bounds CHECK (\n` +
          "  day IS NOT NULL AND day >= '2020-01-01' AND day < '2021-01-01'\n) NOT VALID;",
      },
      {
        does: 'Let PostgreSQL read the rows, in a transaction of its own.',
        sql: 'ALTER TABLE {partition} VALIDATE CONSTRAINT {partition}_bounds;',
      },
      {
        does: 'Attach it. No row is read. Then the CHECK can go.',
        sql:
          `${timeout}\nALTER TABLE {table} ATTACH PARTITION {partition}\n` +
          "  FOR VALUES FROM ('2020-01-01') TO ('2021-01-01');\n" +
          'ALTER TABLE {partition} DROP CONSTRAINT {partition}_bounds;',
      },
    ],
    find(site) {
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
  },
  {
    code: 'partition-detached',
    level: 'error',
    title: 'partition {partition} is detached from {table} without CONCURRENTLY',
    lock: 'ACCESS EXCLUSIVE',
    cost: 'instant',
    breaks: 'All queries on the whole partitioned table wait for the lock.',
    safeFrom: 'PostgreSQL 14 with CONCURRENTLY, if there is no default partition',
    example: 'ALTER TABLE events DETACH PARTITION events_2026;',
    steps: [
      {
        does: 'Detach it outside of a transaction.',
        sql: 'SET lock_timeout = 0;\nALTER TABLE {table} DETACH PARTITION {partition} CONCURRENTLY;',
      },
    ],
    find(site) {
      const detached = partitionOf(site, 'AT_DetachPartition')
      return detached && !detached.concurrent ? { partition: tableOf(detached.name) } : null
    },
  },
  {
    code: 'trigger-changed',
    level: 'warning',
    title: 'a trigger or rule of {object} is created, dropped, enabled or disabled',
    lock: 'SHARE ROW EXCLUSIVE',
    cost: 'instant',
    breaks:
      'Writes wait for the lock; to drop a trigger, reads do, too. Every write runs the trigger from ' +
      'then on: an error in its function makes each of them fail.',
    example:
      'CREATE TRIGGER orders_log BEFORE UPDATE ON orders\n' +
      '  FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger();',
    steps: [
      {
        does: 'Test the function first, wait for 2 seconds at most, and retry.',
        sql: `${timeout}\n-- rehome:allow trigger-changed the function was tested\n{=statement}`,
      },
    ],
    find(site) {
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
  },
  {
    code: 'row-security-changed',
    level: 'warning',
    title: 'row security of {table} is changed',
    lock: 'ACCESS EXCLUSIVE',
    cost: 'instant',
    breaks:
      'The running application sees other rows from the commit on: without a policy, none. rehome ' +
      'refuses to move rows that its roles do not see.',
    example: 'ALTER TABLE orders ENABLE ROW LEVEL SECURITY;',
    steps: [
      {
        does: 'Create the policies and enable them in one transaction. Test it with the role of the application.',
        sql:
          `BEGIN;\n${timeout}\n-- rehome:allow row-security-changed tested with the role of the application\n` +
          'CREATE POLICY {table}_all ON {table} USING (true);\n' +
          '-- rehome:allow row-security-changed tested with the role of the application\n' +
          'ALTER TABLE {table} ENABLE ROW LEVEL SECURITY;\nCOMMIT;',
      },
    ],
    find(site) {
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
  },
  {
    code: 'replica-identity',
    level: 'warning',
    title: 'replica identity of {table} is changed',
    lock: 'ACCESS EXCLUSIVE',
    cost: 'instant',
    breaks:
      'Subscribers identify changed rows in another way from then on. With NOTHING, publications ' +
      'refuse UPDATE and DELETE; FULL writes whole rows into the log.',
    example: 'ALTER TABLE orders REPLICA IDENTITY FULL;',
    steps: [
      {
        does: 'Use an index instead of FULL: unique, not partial, with columns that are NOT NULL.',
        sql:
          `${timeout}\n-- rehome:allow replica-identity the subscribers accept it\n` +
          'ALTER TABLE {table} REPLICA IDENTITY USING INDEX {table}_pkey;',
      },
    ],
    find: (site) => (alters(site, 'AT_ReplicaIdentity') ? {} : null),
  },
]
