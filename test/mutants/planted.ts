// Faults in the product's TypeScript, each with the suite that claims to find it: a rule that
// matters is taken away, and at least one of the named tests has to fail. The rules of the guard
// and of the mover's SQL have mutants of their own, see mutants.ts.

export interface PlantedFault {
  readonly title: string
  /** The path below src. */
  readonly file: string
  /** Stands there once. */
  readonly before: string
  readonly after: string
  readonly suite: string
  /** How the titles of the tests begin that may find it. */
  readonly tests: readonly string[]
}

const following: readonly PlantedFault[] = [
  {
    title: 'a row is logged for nobody who gets it by its parents while its writer is in',
    file: 'ends/postgres/fence/guard-sql.ts',
    before: 'return !isOwn(path) && path.deferrable',
    after: 'return false',
    suite: 'test/fence/ways/adopted-rows.pg.test.ts',
    tests: ['a row that refers to it becomes another', 'the parent is deleted and made anew'],
  },
  {
    title: 'a round stores a position that is later than what it has read',
    file: 'follow/by-feed/feed-round.ts',
    before: 'const { position: stored } = reached',
    after: 'const stored = await source.position(key)',
    suite: 'test/follow/by-feeds.pg.test.ts',
    tests: ['an update of everything', 'a tenant that goes, written'],
  },
  {
    title: 'a row counts as gone by a log that was read after the rows',
    file: 'follow/by-feed/feed-reading.ts',
    before: '  // Most rows that the second look',
    after: `  const late = await readBefore(shard, touched, since)
  for (const [name, key] of late.gone) {
    if (!rows.some((row) => nameOf(row.key) === name)) before.gone.set(name, key)
  }
  // Most rows that the second look`,
    suite: 'test/follow/by-feeds.pg.test.ts',
    tests: ['an update of everything', 'MERGE'],
  },
  {
    title: 'rows that came or went with their parents are not due',
    file: 'follow/by-snapshot/changed-rows.ts',
    before: 'if (!names.has(source.name) && !hangs) continue',
    after: 'if (!names.has(source.name)) continue',
    suite: 'test/follow/by-snapshots.pg.test.ts',
    tests: ['a tenant that (goes|comes), written'],
  },
  {
    title: 'rows that a round has brought are not compared, over HTTP',
    file: 'follow/by-feed/feed-round.ts',
    before:
      "const outcome = await verifyTouched(shard, some, compared === 'changes' ? since : null)",
    after: 'const outcome = some.length',
    suite: 'test/follow/compared.pg.test.ts',
    tests: ['over HTTP'],
  },
  {
    title: 'rows that a round has brought are not compared, between two databases',
    file: 'follow/by-snapshot/snapshot-round.ts',
    before: 'const rows = compares ? await verifyPart(part) : 0',
    after: 'const rows = 0',
    suite: 'test/follow/compared.pg.test.ts',
    tests: ['between two databases'],
  },
]

const comparing: readonly PlantedFault[] = [
  {
    title: 'only the number of rows is compared',
    file: 'ends/digest.ts',
    before: 'return left.rows === right.rows && left.sum === right.sum',
    after: 'return left.rows === right.rows',
    suite: 'test/transform/transform-and-verify.pg.test.ts',
    tests: ['microseconds cut'],
  },
  {
    title: 'references to nothing are not refused',
    file: 'comparison/verification.ts',
    before: '  if (broken.length > 0) throw referencesBroken(shard, broken)\n}',
    after: '}',
    suite: 'test/transform/transform-and-verify.pg.test.ts',
    tests: ['rows that point at nothing'],
  },
  {
    title: 'the schema is not looked at under the fence',
    file: 'stages/final-catch-up.ts',
    before: 'await allOf([refuseNewStrays(shard), refuseChangedSchema(shard)])',
    after: 'await allOf([refuseNewStrays(shard)])',
    suite: 'test/online/last-look.pg.test.ts',
    tests: ['a column that both ends get'],
  },
  {
    title: 'rows that no path finds are not looked for under the fence',
    file: 'stages/verify.ts',
    before: 'await refuseNewStrays(shard)',
    after: '',
    suite: 'test/removals/late-strays.pg.test.ts',
    tests: ['a row that comes under the fence'],
  },
  {
    title: 'pages that are left out each time are not missed',
    file: 'comparison/compare.ts',
    before: 'const equal = same && misread.length === 0',
    after: 'const equal = same',
    suite: 'test/http/losses/lost-pages.pg.test.ts',
    tests: ['a move fails where each time a page'],
  },
]

const asking: readonly PlantedFault[] = [
  {
    title: 'an attempt goes on although a later one has had its turn',
    file: 'attempt/turn.ts',
    before: 'if (turn) return turn.flag',
    after: 'if (turn || true) return turn?.flag ?? null',
    suite: 'test/errands/repeated-commands.pg.test.ts',
    tests: ['a control database that has forgotten its turns'],
  },
  {
    title: 'a step comes twice',
    file: 'ends/postgres/changes/steps.ts',
    before: 'if (last.step === step) return { repeated: last.answer }',
    after: 'if (last.step === step) return { ...last, step: step - 1 }',
    suite: 'test/ends/postgres/changes/steps.pg.test.ts',
    tests: ['a step is applied once'],
  },
  {
    title: 'a batch is written that does not follow the one before',
    file: 'http-end/write-batch.ts',
    before: 'if (!isSame(stored, head.from)) throw gap(stored, head.from)',
    after: '',
    suite: 'test/ends/rows-written.pg.test.ts',
    tests: ['http a batch that comes again'],
  },
  {
    title: 'a retry is taken up of a move that is open',
    file: 'control/ask.ts',
    before: `sql<SqlBool>\`not open and phase = 'failed' and not exists`,
    after: `sql<SqlBool>\`phase = 'failed' and not exists`,
    suite: 'test/errands/asked-when.pg.test.ts',
    tests: ['move is taken up in the states'],
  },
  {
    title: 'a rollback is taken up of a move whose clean-up has begun',
    file: 'control/ask.ts',
    before: 'and not cleanup_begun`',
    after: '`',
    suite: 'test/errands/asked-when.pg.test.ts',
    tests: ['rollback is taken up in the states'],
  },
  {
    title: 'a clean-up is taken up within the rollback window',
    file: 'control/ask.ts',
    before: 'and coalesce(window_until < clock_timestamp(), true)`',
    after: '`',
    suite: 'test/errands/asked-when.pg.test.ts',
    tests: ['cleanup is taken up in the states'],
  },
  {
    title: 'errands are asked of a tenant that another run is busy with',
    file: 'control/ask.ts',
    before: '.where(isFree)',
    after: '',
    suite: 'test/control/openings.pg.test.ts',
    tests: ['a failed move is not retried'],
  },
]

const checking: readonly PlantedFault[] = [
  {
    title: 'an end that says nothing of strays is taken for one that looks for them',
    file: 'checks/http-findings.ts',
    before: 'return sql !== undefined || catalog.tellsStrays === true',
    after: 'return true',
    suite: 'test/checks/unproven.test.ts',
    tests: ['rows left behind'],
  },
  {
    title: 'tables that find their tenant by different ways are followed over HTTP',
    file: 'checks/http-findings.ts',
    before: 'if (follows && !areSeveral && !isSameWay(sourcePath, targetPath, routes)) {',
    after: 'if (false) {',
    suite: 'test/http/changes/refused-feed.pg.test.ts',
    tests: ['tables that find their tenant'],
  },
]

const admitting: readonly PlantedFault[] = [
  {
    title: 'a header with a name counts from any address',
    file: 'dashboard/proxy.ts',
    before: 'if (!isIn(trusted, address)) {',
    after: 'if (false) {',
    suite: 'test/dashboard/proxy.test.ts',
    tests: ['a header counts'],
  },
  {
    title: 'a header with a name counts without the secret of the proxy',
    file: 'dashboard/proxy.ts',
    before: 'if (secret && !same(headers[secretHeader]?.join(), secret)) {',
    after: 'if (false) {',
    suite: 'test/dashboard/proxy.test.ts',
    tests: ['where there is a secret'],
  },
  {
    title: 'a page of another site counts as one of the board',
    file: 'dashboard/gate.ts',
    before: "if (mayBeForeign(headers, request.caller?.by ?? 'stranger')) {",
    after: 'if (false) {',
    suite: 'test/dashboard/gate.pg.test.ts',
    tests: [".*another site's page changes nothing"],
  },
  {
    title: 'a viewer counts as an operator',
    file: 'dashboard/gate.ts',
    before: "if (caller?.role === 'operator') return null",
    after: 'if (caller) return null',
    suite: 'test/dashboard/gate.pg.test.ts',
    tests: ['with tokens a viewer changes nothing'],
  },
  {
    title: 'a report counts although its page was changed',
    file: 'report/verify.ts',
    before:
      'if ((await sha256Of(path, { start: 0, end: sealed })) !== seal.fileSha256) throw altered(path)',
    after: '',
    suite: 'test/report/seal.test.ts',
    tests: ['a report as html is found altered where'],
  },
  {
    title: 'a report counts although another key has signed it',
    file: 'report/verify.ts',
    before: 'if (trustedKey !== null && trustedKey !== signature.publicKey) {',
    after: 'if (false) {',
    suite: 'test/report/seal.test.ts',
    tests: ['a report as (html|json) is refused'],
  },
  {
    title: 'a secret counts as a value to show',
    file: 'comparison/inspection/cells.ts',
    before: 'return secretName.test(name)',
    after: 'return name === secretName.source',
    suite: 'test/comparison/cells.test.ts',
    tests: ['column password is secret'],
  },
]

export const plantedFaults: readonly PlantedFault[] = [
  ...following,
  ...comparing,
  ...asking,
  ...checking,
  ...admitting,
]

/** Throws unless the line stands there once. */
export function planted(code: string, { before, after, file }: PlantedFault): string {
  const parts = code.split(before)
  if (parts.length === 2) return parts.join(after)
  throw new Error(`${parts.length - 1} times in ${file}: ${before}`)
}
