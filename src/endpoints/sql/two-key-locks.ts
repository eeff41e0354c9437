/** The functions by which locks of two keys are taken, as those of the guards are. */
const variants = ['', '_shared'].flatMap((mode) =>
  ['', '_xact'].map((until) => `advisory${until}_lock${mode}(int4, int4)`),
)

/** As SQL writes them; their owner is the cluster's. */
export const twoKeyLocks: readonly string[] = ['pg_', 'pg_try_'].flatMap((tried) =>
  variants.map((name) => `${tried}${name}`),
)
