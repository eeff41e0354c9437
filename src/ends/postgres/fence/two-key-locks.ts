/** The functions by which locks of two keys are taken, as those of the guards are. */
const variants = ['', '_shared'].flatMap((mode) =>
  ['', '_xact'].map((until) => `advisory${until}_lock${mode}(int4, int4)`),
)

/** Names as SQL writes them; the functions belong to the cluster's owner. */
export const twoKeyLocks: readonly string[] = ['pg_', 'pg_try_'].flatMap((tried) =>
  variants.map((name) => `${tried}${name}`),
)
