// Pages of documentation: how wide they are, and that the files exist that they name.
import { dirname, join } from 'node:path/posix'
import { filesIn, lineAt, type Sources } from './sources.ts'

export const pages = /^(docs\/.*|[^/]+)\.md$/

const pageCharactersMax = 120

export function wideLines(sources: Sources): string[] {
  return filesIn(sources, pages).flatMap(([path, text]) =>
    text.split('\n').flatMap((line, i) => {
      const characters = [...line].length
      return characters > pageCharactersMax ? [`${path}:${i + 1} has ${characters} characters`] : []
    }),
  )
}

const folders =
  'src|jobs|bin|migrations|test|chaos|fuzz|bench|demo|dev|conformance|examples|docs|' +
  'attempt|checks|client|control|coordinator|ends|follow|plan|queue|stages|worker'
const inCode = new RegExp(`\`((?:${folders})/[\\w./*-]+)\``, 'g')
const inLink = /\]\(((?!https?:)[^)#]+\.(?:md|ts|sql|json))(?:#[^)]*)?\)/g

/** Paths in backticks may begin below src, and end before the file's name does. */
export function deadPaths(sources: Sources): string[] {
  const paths = [...sources.keys()]
  const exists = (path: string) => {
    const pattern = path.replace(/[.]/g, '\\.').replaceAll('*', '[^/]*')
    const begins = new RegExp(`^(src/)?${pattern}`)
    return paths.some((one) => begins.test(one))
  }
  return filesIn(sources, pages).flatMap(([page, text]) => {
    const named = [...text.matchAll(inCode)].map(({ 1: path = '', index }) => ({ path, index }))
    const linked = [...text.matchAll(inLink)].map(({ 1: path = '', index }) => ({
      path: join(dirname(page), path),
      index,
    }))
    return [...named, ...linked]
      .filter(({ path }) => !exists(path))
      .map(
        ({ path, index }) => `${page}:${lineAt(text, index)} names ${path}, which does not exist`,
      )
  })
}
