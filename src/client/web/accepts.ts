/** Content negotiation (RFC 9110, 12.5.1) between the two forms that a refusal has. */

/**
 * Whether the client would rather have a page than JSON. Who takes either alike, or has no
 * preference, is a program: browsers name `text/html` when they go somewhere.
 */
export function prefersHtml(accept: string | undefined): boolean {
  const ranges = (accept ?? '').split(',').map(readRange)
  const json = Math.max(...['application/problem+json', 'application/json'].map(qualityIn(ranges)))
  return qualityIn(ranges)('text/html') > json
}

interface Range {
  readonly type: string
  readonly quality: number
}

function readRange(text: string): Range {
  const [type = '', ...parameters] = text.split(';').map((part) => part.trim().toLowerCase())
  const weight = parameters.find((parameter) => /^q\s*=/.test(parameter))
  const quality = weight ? Number(weight.replace(/^q\s*=\s*/, '')) : 1
  return { type, quality: quality >= 0 && quality <= 1 ? quality : 0 }
}

/** The most specific range that fits decides. */
function qualityIn(ranges: readonly Range[]): (type: string) => number {
  return (type) => {
    const fits = [type, type.replace(/\/.*/, '/*'), '*/*']
    const matches = fits.map((fit) => ranges.filter((range) => range.type === fit))
    const decides = matches.find((some) => some.length > 0) ?? []
    return Math.max(0, ...decides.map(({ quality }) => quality))
  }
}
