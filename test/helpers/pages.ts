/** All items of some pages, in one list. */
export async function allIn<T>(pages: AsyncIterable<readonly T[]>): Promise<T[]> {
  const all: T[] = []
  for await (const page of pages) all.push(...page)
  return all
}

/** Tenants of all moves of some pages. */
export async function tenantsIn(
  pages: AsyncIterable<readonly { readonly tenant_id: string }[]>,
): Promise<string[]> {
  return (await allIn(pages)).map((move) => move.tenant_id)
}
