/** Texts that people read. Every sentence can be replaced by the application's own. */

export interface Texts {
  /** The language of all texts: the page's `lang`. */
  readonly language: string
  readonly title: string
  readonly notSaved: string
  /** When to try again. */
  readonly later: (retryAfterS: number) => string
  /** The sentence in its place where the end is unknown. */
  readonly indefinitely: string
}

export const english: Texts = {
  language: 'en',
  title: 'Read-only for now',
  notSaved: 'Your change was not saved.',
  later: (retryAfterS) =>
    retryAfterS === 1
      ? 'Please try again in a second.'
      : `Please try again in ${retryAfterS} seconds.`,
  indefinitely: 'It is not known yet when changes will be possible again.',
}

/** `retryAfterS`: null where the end is unknown. */
export function whenToTryAgain(texts: Texts, retryAfterS: number | null): string {
  return retryAfterS === null ? texts.indefinitely : texts.later(retryAfterS)
}
