/** Facts that the compiler cannot see, each stated once. */

/** The item at a place that the caller knows of. Throws RangeError where there is none. */
export function itemAt<T>(list: ArrayLike<T>, index: number): T {
  const item = list[index]
  if (item === undefined) throw new RangeError(`there is no item ${index} of ${list.length}`)
  return item
}

/** The value that a map or an optional field is known to hold. Throws where it does not. */
export function known<T>(value: T | undefined): T {
  if (value === undefined) throw new TypeError('a value that has to be there is missing')
  return value
}

/** The keys of an object that has no others than its type declares. */
export function keysOf<Key extends string>(record: Readonly<Record<Key, unknown>>): Key[] {
  return Object.keys(record) as Key[]
}

/** An object with a value for each of the keys. */
export function recordOf<Key extends string, T>(
  keys: readonly Key[],
  make: (key: Key) => T,
): Record<Key, T> {
  return Object.fromEntries(keys.map((key) => [key, make(key)])) as Record<Key, T>
}

/** Whether it is one of the keys of an object. */
export function isKeyOf<Key extends string>(
  record: Readonly<Record<Key, unknown>>,
  key: string,
): key is Key {
  return Object.hasOwn(record, key)
}
