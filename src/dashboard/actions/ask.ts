/** Errands that a person asks for on the board: which of them may be asked for, and asking. */
import { type AskedErrand, askedErrands } from '../../errands.ts'
import { RehomeError } from '../../errors.ts'
import type { BoardLibrary, ErrandRequest } from '../library.ts'
import type { ActionAddress } from '../tenant-path.ts'

export interface Wish extends Omit<ErrandRequest, 'tenants'> {
  readonly discardWrites?: boolean
}

/** Throws what the product throws where the errand may not be asked for. */
export async function ask(
  library: BoardLibrary,
  { errand, runId, tenant }: ActionAddress,
  wish: Wish,
): Promise<void> {
  await library[errand](runId, { ...wish, tenants: [tenant] })
}

/** null: it may be asked for now; else why not. */
export async function refusalOf(
  library: BoardLibrary,
  address: ActionAddress,
): Promise<RehomeError | null> {
  try {
    await ask(library, address, { dryRun: true })
    return null
  } catch (error) {
    if (error instanceof RehomeError && error.code === 'NOT_ALLOWED_NOW') return error
    throw error
  }
}

export async function allowedErrands(
  library: BoardLibrary,
  { runId, tenant }: { runId: string; tenant: string },
): Promise<AskedErrand[]> {
  const refusals = await Promise.all(
    askedErrands.map((errand) => refusalOf(library, { errand, runId, tenant })),
  )
  return askedErrands.filter((_, i) => refusals[i] === null)
}
