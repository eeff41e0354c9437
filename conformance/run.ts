/** Looks at an end point by point. */
import { messageOf } from '../src/errors.ts'
import { Broken, type Point, Skipped, Untried } from './point.ts'
import { isOf, points } from './points.ts'
import { restore, unfitScratch } from './scratch.ts'
import { type Chosen, type Subject, subjectOf } from './subject.ts'

export interface Finding {
  readonly point: string
  readonly says: string
  readonly outcome: 'ok' | 'FAILED' | 'skipped'
  /** The reason of a failure or a skip. */
  readonly why?: string
  /** The request by which it was seen to fail, with its body. */
  readonly request?: string
  /** Skipped for want of a table, rows or an option, and not because the end has no such thing. */
  readonly untried?: boolean
}

type Tell = (finding: Finding) => void

/** Throws Broken at once where nothing answers, or where the scratch tenant is somebody. */
export async function examine(
  chosen: Chosen & { readonly only?: readonly string[] },
  tell: Tell = () => {},
): Promise<Finding[]> {
  const findings: Finding[] = []
  const add = (finding: Finding) => {
    findings.push(finding)
    tell(finding)
  }
  const end = subjectOf(chosen)
  // One line is enough to say that there is nothing at this URL.
  await end.send({ method: 'GET', path: 'v1' })
  const unseen = await unseenScratch(end)
  if (unseen !== null) add({ point: 'scratch.empty', says: empty, outcome: 'FAILED', why: unseen })
  const at = unseen === null ? end : subjectOf({ ...chosen, scratch: null })
  for (const point of chosenPoints(chosen.only ?? [])) add(await look(at, point, findings))
  const left = await restore(at).then(
    () => null,
    (error: unknown) => messageOf(error),
  )
  if (left !== null) add({ point: 'scratch.restored', says: empty, outcome: 'FAILED', why: left })
  return findings
}

/** `only`: names, or what stands before the dot; with what these need. Empty: all. */
function chosenPoints(only: readonly string[]): readonly Point[] {
  if (only.length === 0) return points
  const wanted = new Set<string>()
  const want = ({ name, needs = [] }: Point) => {
    wanted.add(name)
    for (const point of points) if (needs.includes(point.name)) want(point)
  }
  for (const point of points) {
    if (only.some((one) => isOf(point.name, one))) want(point)
  }
  return points.filter(({ name }) => wanted.has(name))
}

const empty = 'the scratch tenant can be seen to have neither rows nor a flag'

/** The reason why it is unknown whether the scratch tenant has rows. */
async function unseenScratch(end: Subject): Promise<string | null> {
  let unfit: string | null
  try {
    unfit = await unfitScratch(end)
  } catch (error) {
    return messageOf(error)
  }
  if (unfit !== null) throw new Broken(unfit)
  return null
}

async function look(end: Subject, point: Point, before: readonly Finding[]): Promise<Finding> {
  const { name, says, needs = [] } = point
  const missing = needs.find((need) => !before.some((f) => f.point === need && f.outcome === 'ok'))
  if (missing) {
    const untried = before.some(({ point, untried }) => point === missing && untried)
    const why = `it needs ${missing}`
    return { point: name, says, outcome: 'skipped', why, ...(untried && { untried }) }
  }
  try {
    await point.check(end)
    return { point: name, says, outcome: 'ok' }
  } catch (error) {
    const found = { point: name, says, why: messageOf(error) }
    if (error instanceof Untried) return { ...found, outcome: 'skipped', untried: true }
    if (error instanceof Skipped) return { ...found, outcome: 'skipped' }
    const request = end.lastRequest()
    return { ...found, outcome: 'FAILED', ...(request !== null && { request }) }
  }
}
