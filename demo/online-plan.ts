/**
 * The plan for the one tenant that is too large to be fenced for so long: it goes on writing, and
 * what it writes at its new home can be taken back.
 */
import { definePlan } from 'rehome'
import plan from './plan.ts'

export default definePlan({ ...plan, name: 'tracker-online', strategy: 'online' })
