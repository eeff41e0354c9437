/** The files that browsers get as they are: the pages' style and scripts, in `assets/`. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { FastifyInstance } from 'fastify'
import { packageRoot } from '../migrations.ts'

export const assetRoute = '/assets/:file'

const scripts = ['board.js', 'run.js'] as const

export type Asset = (typeof scripts)[number]

export function assetPath(name: Asset): string {
  return `/assets/${name}`
}

export function readAsset(name: Asset | 'board.css'): string {
  return readFileSync(join(packageRoot(), 'assets', name), 'utf8')
}

export function assetRoutes(app: FastifyInstance): void {
  app.get<{ Params: { file: string } }>(assetRoute, (request, reply) => {
    const name = scripts.find((script) => script === request.params.file)
    if (!name) return reply.callNotFound()
    return reply.type('text/javascript').send(readAsset(name))
  })
}
