// How objects are written.
import { childOf, childrenOf, filesIn, lineAt, nodesOf, type Sources } from './sources.ts'

/** `...{ a, b }` is `a, b`: properties that were packed to save lines hide what an object has. */
export function packedProperties(sources: Sources): string[] {
  return filesIn(sources, /^(src|jobs)\/.*\.ts$/).flatMap(([path, text]) =>
    nodesOf(text, 'ObjectExpression')
      .flatMap((object) => childrenOf(object, 'properties'))
      .filter(({ type }) => type === 'SpreadElement')
      .filter((spread) => childOf(spread, 'argument')?.type === 'ObjectExpression')
      .map(({ start }) => `${path}:${lineAt(text, start)} packs properties into a spread`),
  )
}
