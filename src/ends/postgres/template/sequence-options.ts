/** The parameters of a sequence, as options of the statement that makes it anew. Pure. */

export interface SequenceOptions {
  readonly type: string
  readonly start: string
  readonly step: string
  readonly low: string
  readonly high: string
  readonly cache: string
  readonly cycles: boolean
}

/** Over `s`, a row of pg_sequence. */
export const sequenceColumns = `s.seqtypid::pg_catalog.regtype::pg_catalog.text as type,
  s.seqstart::pg_catalog.text as start, s.seqincrement::pg_catalog.text as step,
  s.seqmin::pg_catalog.text as low, s.seqmax::pg_catalog.text as high,
  s.seqcache::pg_catalog.text as cache, s.seqcycle as cycles`

export function sequenceText(sequence: SequenceOptions): string {
  const { start, step, low, high, cache, cycles } = sequence
  const range = `increment by ${step} minvalue ${low} maxvalue ${high} start with ${start}`
  return `${range} cache ${cache}${cycles ? ' cycle' : ''}`
}
