/**
 * Loaded before a worker: its clock is off by CHAOS_CLOCK_MS. The monotonic clock is not.
 *
 * Invariant: without the variable it changes nothing.
 */
const offMs = Number(process.env.CHAOS_CLOCK_MS ?? 0)

if (offMs !== 0) {
  const Right = Date
  const nowMs = () => Right.now() + offMs
  globalThis.Date = new Proxy(Right, {
    construct: (target, args: [], as) =>
      Reflect.construct(target, args.length ? args : [nowMs()], as),
    apply: () => new Right(nowMs()).toString(),
    get: (target, name) => (name === 'now' ? nowMs : Reflect.get(target, name)),
  })
}
