/** Which numbers of a JSON text JavaScript cannot hold. Pure. */

const none: Set<number> = new Set()

/** The numbers of JSON texts that a double does not hold, as what JavaScript makes of them. */
export function roundedNumbers(json: string): Set<number> {
  if (!mayBeRounded(json)) return none
  const bare = json.replace(/\\./gs, '').replace(/"[^"]*"/g, '')
  const numbers = bare.match(/-?\d[\d.eE+-]*/g) ?? []
  return new Set(numbers.filter((text) => digits(text) !== digits(String(+text))).map(Number))
}

const [QUOTE, POINT, ZERO, NINE, BACKSLASH] = [0x22, 0x2e, 0x30, 0x39, 0x5c]
const [SMALL_E, LARGE_E] = [0x65, 0x45]

/** Is there a number of more than 15 digits, which always survive, or with an exponent? */
export function mayBeRounded(json: string): boolean {
  let length = 0
  for (let at = 0; at < json.length; at += 1) {
    const code = json.charCodeAt(at)
    if (code === QUOTE) {
      at = endOfString(json, at)
      length = 0
    } else if ((code >= ZERO && code <= NINE) || code === POINT) {
      length += 1
      if (length > 15) return true
    } else if (length > 0) {
      if (code === SMALL_E || code === LARGE_E) return true
      length = 0
    }
  }
  return false
}

/** Where the string that begins at `start` ends. */
function endOfString(json: string, start: number): number {
  for (let end = json.indexOf('"', start + 1); end !== -1; end = json.indexOf('"', end + 1)) {
    let backslashes = 0
    while (json.charCodeAt(end - 1 - backslashes) === BACKSLASH) backslashes += 1
    if (backslashes % 2 === 0) return end
  }
  return json.length
}

/** The digits that distinguish a number from the one it was rounded to. */
function digits(number: string): string {
  const [mantissa = ''] = number.split(/e/i)
  return mantissa.replace(/[-.]/g, '').replace(/^0+|0+$/g, '')
}
