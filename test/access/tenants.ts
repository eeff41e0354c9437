// Tenant ids that somebody may have, and neighbours whose ids are nearly the same.

/** Each is a tenant's id as good as any. */
export const hostileIds: readonly string[] = [
  `'; drop table notes; --"`,
  '../../a:b?c#d&e=f',
  '%',
  '**',
  '\\N',
  'NULL',
  ' 007',
  'line\nbreak\ttab\r ',
  '<script>alert(1)</script>',
  '__proto__',
  '$1 $& $$ $' + '{process.env}',
  '🏠 \u202eevil\u0001',
  '\ufffd',
  'x'.repeat(1024),
]

/** Nearly those: other case, blanks, normal forms, patterns spelt out, one letter more. */
export function nearMisses(ids: readonly string[]): string[] {
  const near = ids.flatMap((id) => [
    `${id} `,
    ` ${id}`,
    id.trim(),
    id.toUpperCase(),
    id.toLowerCase(),
    id.normalize('NFD'),
    [...id].slice(0, -1).join(''),
    id.replaceAll("'", "''"),
  ])
  const fits = (id: string) =>
    !['', '*'].includes(id) && Buffer.byteLength(id) <= 1024 && !ids.includes(id)
  return [...new Set(near)].filter(fits)
}
