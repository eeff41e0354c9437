// The rules of the house. That each of them finds what it is there for is shown in test/tidy/.
import { describe, expect, test } from 'vitest'
import { errorCodes } from '../src/errors.ts'
import {
  newestSubjects,
  participleNames,
  privateTitles,
  privateWords,
  speakingThings,
  vagueComments,
  vagueSubjects,
} from './helpers/tidy/english.ts'
import {
  climbingImports,
  importCircles,
  kindsAskedFor,
  overfullFolders,
  sharedNames,
} from './helpers/tidy/floors.ts'
import { house, type Rule } from './helpers/tidy/house.ts'
import { packedProperties } from './helpers/tidy/objects.ts'
import { deadPaths, wideLines } from './helpers/tidy/pages.ts'
import {
  anyTypes,
  badParameters,
  longLines,
  oversizeFiles,
  oversizeFunctions,
  typeAssertions,
} from './helpers/tidy/sizes.ts'
import {
  foreignWords,
  looseAlternatives,
  unheardConnections,
  unthrownCodes,
  wrongGates,
  wronglyDocumentedCodes,
  wrongPhases,
  wrongStages,
} from './helpers/tidy/words.ts'

describe('in this house', () => {
  test.each<[what: string, rule: Rule]>([
    ['imports go down only, and never to a neighbour on the same floor', climbingImports],
    ['imports lead nowhere back to where they began', importCircles],
    ['a folder of code has at most 20 files', overfullFolders],
    ['no more than two files of the product share a name', sharedNames],
    ['phases ask what an end can do, not of which kind it is', kindsAskedFor],
    ['a file has at most 300 lines', oversizeFiles],
    ['a function has at most 60 lines', oversizeFunctions],
    ['a line has at most 100 characters', longLines],
    ['an exported function has at most three parameters, and no boolean', badParameters],
    ['nothing has the type `any`', anyTypes],
    ['the product asserts a type at most 40 times', typeAssertions],
    ['the control database accepts the phases that there are', wrongPhases],
    ['the index of open moves has the phases before the cutover', wrongGates],
    ['each phase is lived through in the stage of that name', wrongStages],
    ['every error code is documented', (sources) => wronglyDocumentedCodes(errorCodes, sources)],
    ['every error code is thrown somewhere', (sources) => unthrownCodes(errorCodes, sources)],
    ['every connection is opened where its calls are published', unheardConnections],
    ['an `or` in a fragment of SQL stands in parentheses', looseAlternatives],
    ['texts say who acts', privateWords],
    ['titles say who acts', privateTitles],
    ['things do not speak in the product and its pages', speakingThings],
    ['a doc comment begins with a noun or a verb', vagueComments],
    ['an object has its properties unpacked', packedProperties],
    ['a variable is called by a noun', participleNames],
    ['a line of docs has at most 120 characters', wideLines],
    ['a page names files that exist', deadPaths],
    ['nothing names a place where somebody worked on it', foreignWords],
  ])('%s', (_, rule) => {
    expect(rule(house)).toEqual([])
  })

  test('the newest commits have subjects of the form `folder: what the commit does`', async () => {
    expect(vagueSubjects(await newestSubjects(import.meta.dirname), house)).toEqual([])
  })
})
