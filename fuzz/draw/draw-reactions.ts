/** Further constraints; triggers and rules; where sequences stand. */
import type { Constraint, Piece, Table } from '../cases/case.ts'
import type { Drawing, Numbers } from './draft.ts'
import { name, names, type Random, weighted } from './draw.ts'
import type { Rows } from './parents.ts'

export function drawConstraints(drawing: Drawing): void {
  const { random, drafts, constraints } = drawing
  for (const { table } of drafts) constraints.push(...constraintsOf(random, table))
  for (const { table } of drafts) {
    if (!table.partitioned || !table.tenant || !random.chance(0.3)) continue
    const at = constraints.findIndex((one) => one.table === table.name && one.parent !== null)
    const [found] = constraints.slice(at)
    if (at >= 0 && found) constraints.splice(at, 1, { ...found, part: 'p0' })
  }
}

function constraintsOf(random: Random, table: Table): Constraint[] {
  const found: Constraint[] = []
  const add = (what: string, columns: readonly string[], sql: string) => {
    const own = {
      name: `${table.name} ${what}`,
      table: table.name,
      parent: null,
      parentPart: null,
      part: null,
    }
    const only = random.chance(0.2) ? random.pick(['source', 'target'] as const) : null
    found.push({ ...own, columns, sql, only })
  }
  const keyed = table.partitioned ? table.key : []
  if (random.chance(0.15)) {
    const columns = [...new Set([...keyed, 'mark'])]
    const late = random.chance(0.2) ? ' deferrable' : ''
    const nulls = random.chance(0.3) ? ' nulls not distinct' : ''
    add('unique', columns, `unique${nulls} (${names(columns)})${late}`)
  }
  if (random.chance(0.1)) add('check', ['mark'], `check (mark <> '')`)
  if (random.chance(0.08) && !table.partitioned) {
    add('excludes', ['mark'], 'exclude using btree (mark with =)')
  }
  return found
}

/** Unique indexes that are no constraints. */
export function drawIndexes({ random, drafts, schema }: Drawing): Piece[] {
  return drafts.flatMap(({ table }) => {
    if (table.partitioned || table.outside || !random.chance(0.1)) return []
    const at = `${name(schema)}.${name(table.name)}`
    const what = random.pick(['(lower(mark))', `(mark) where mark > 'a/5'`, '(mark desc, ctid)'])
    const sql = `create unique index on ${at} ${what.replace(', ctid', '')}`
    return [{ name: `${table.name} index`, of: table.name, source: sql, target: sql }]
  })
}

type ReactionKind = 'upper' | 'count' | 'outbox' | 'statement' | 'keep' | 'nothing' | 'also'

interface Reaction {
  readonly kind: ReactionKind
  readonly table: string
  /** Quoted. */
  readonly schema: string
}

export function drawReactions(drawing: Drawing): { prelude: Piece[]; reactions: Piece[] } {
  const { random, drafts, needed } = drawing
  const schema = name(drawing.schema)
  const reactions: Piece[] = []
  for (const { table } of drafts) {
    if (table.shared || table.outside || !random.chance(0.15)) continue
    const kind = weighted<ReactionKind>(random, {
      ...{ upper: 4, count: 4, outbox: table.tenant === 'tenant_id' ? 4 : 0 },
      ...{ statement: 2, keep: 0.5, nothing: 0.5, also: 1 },
    })
    const counts = kind === 'count' || kind === 'statement' || kind === 'also'
    if (kind === 'outbox') needed.add('outbox')
    if (counts) needed.add('counters')
    const isTrigger = kind !== 'nothing' && kind !== 'also'
    const sql = reactionSql({ kind, table: table.name, schema })
    const title = name(`${table.name} ${kind}`)
    const at = `${schema}.${name(table.name)}`
    const always = `;\nalter table ${at} enable always trigger ${title}`
    const whole = random.chance(0.03) && isTrigger ? `${sql}${always}` : sql
    // What changes the tenant's own rows is at both ends, so that the shadow has it, too.
    const where = counts ? weighted(random, { both: 6, source: 2, target: 2 }) : 'both'
    reactions.push({
      name: `${table.name} ${kind}`,
      of: table.name,
      source: where === 'target' ? '' : whole,
      target: where === 'source' ? '' : whole,
    })
  }
  const counters = `create table ${schema}.counters (name text primary key, n int,
  mark text not null);
insert into ${schema}.counters values ('all', 0, '-/counter')`
  const piece = { name: 'counters', of: null, source: counters, target: counters }
  return { prelude: needed.has('counters') ? [piece] : [], reactions }
}

function reactionSql(reaction: Reaction): string {
  const { kind, table, schema } = reaction
  const at = `${schema}.${name(table)}`
  const count = `update ${schema}.counters set n = n + 1 where name = 'all'`
  const rule = `create rule ${name(`${table} ${kind}`)} as on delete to ${at} do`
  const trigger = (when: string, each: string, body: string) =>
    triggerSql(reaction, { when, each, body })
  switch (kind) {
    case 'upper': {
      const body = `new.mark := rtrim(new.mark, '!') || '!'; return new;`
      return trigger('before insert or update', 'row', body)
    }
    case 'count':
      return trigger('after insert or update or delete', 'row', `${count}; return null;`)
    case 'statement':
      return trigger('after insert or delete', 'statement', `${count}; return null;`)
    case 'outbox': {
      const [gone, come] = [outboxSql(schema, 'old'), outboxSql(schema, 'new')]
      const body = `if tg_op = 'DELETE' then ${gone} else ${come} end if; return null;`
      return trigger('after insert or delete', 'row', body)
    }
    case 'keep': {
      const body = `update ${at} set mark = old.mark || '~' where mark = old.mark; return null;`
      return trigger('before delete', 'row', body)
    }
    case 'nothing':
      return `${rule} instead nothing`
    case 'also':
      return `${rule} also ${count}`
  }
}

function triggerSql(
  { kind, table, schema }: Reaction,
  { when, each, body }: { readonly when: string; readonly each: string; readonly body: string },
): string {
  const title = `${table} ${kind}`
  const fn = `${schema}.${name(`${title} fn`)}`
  return `create function ${fn}() returns trigger language plpgsql as $$ begin ${body} end $$;
create trigger ${name(title)} ${when} on ${schema}.${name(table)}
  for each ${each} execute function ${fn}()`
}

function outboxSql(schema: string, row: 'old' | 'new'): string {
  return `insert into ${schema}.outbox (tenant_id, n, what, mark) select ${row}.tenant_id,
  (select count(*) + 1 from ${schema}.outbox o where o.tenant_id = ${row}.tenant_id),
  tg_op, ${row}.mark || '/outbox' where ${row}.tenant_id is not null;`
}

interface Position {
  readonly numbers: Numbers
  readonly at: number
  readonly of: string | null
}

/** Behind the numbers of the rows that are there. The target's may begin far beyond. */
export function positionsOf(
  { drafts }: Drawing,
  rows: Rows,
  { parted }: { parted: boolean },
): Piece[] {
  const positions = new Map<string, Position>()
  for (const { table, numbers } of drafts) {
    if (!numbers) continue
    const own = rows.all.filter((row) => row.table === table.name && row.owner !== 'd')
    const highest = Math.max(0, ...own.map(({ mark }) => rows.numbers.get(mark) ?? 0))
    const before = positions.get(numbers.sequence)?.at ?? 0
    const of = numbers.sequence.startsWith('pg_get') ? table.name : null
    positions.set(numbers.sequence, { numbers, at: Math.max(before, highest), of })
  }
  return [...positions.values()].map(({ numbers, at, of }) => {
    const { sequence, descending } = numbers
    const to = (n: number) =>
      n === 0 ? '' : `select setval(${sequence}::regclass, ${descending ? -n : n})`
    const target = to(parted ? 1_000_000 : 0)
    return { name: `position ${sequence}`, of, source: to(at), target }
  })
}

/** Sequences that no column owns, and the table that triggers fill. */
export function sequencePieces(
  schema: string,
  tenantType: string,
): Record<string, Pick<Piece, 'source' | 'target'>> {
  const both = (sql: string) => ({ source: sql, target: sql })
  const at = (own: string) => `${name(schema)}.${own}`
  return {
    numbers: both(`create sequence ${at('numbers')}`),
    texts: both(`create sequence ${at('texts')}`),
    down: both(`create sequence ${at('down')} increment by -1`),
    outbox: both(`create table ${at('outbox')} (tenant_id ${tenantType} not null, n int not null,
  what text, mark text not null, primary key (tenant_id, n))`),
  }
}
