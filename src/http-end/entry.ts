/** `rehome/http-end`: what an application imports that is one end of moves over HTTP. */

export { discover, table } from '../plan/plan.ts'
export { shared } from '../plan/shared-table.ts'
export { sql } from '../plan/sql-text.ts'
export { anyOf } from '../plan/through.ts'
export { createHttpEnd, type HttpEndOptions, type HttpEndServer } from './http-end.ts'
export { nodeHandler } from './node-handler.ts'
