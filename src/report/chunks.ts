/** Texts put together into fewer and longer ones, which cost one write each. */

const chunkLength = 64 * 1024

export async function* inChunks(
  texts: AsyncIterable<string>,
): AsyncGenerator<string, void, undefined> {
  let chunk = ''
  for await (const text of texts) {
    chunk += text
    if (chunk.length < chunkLength) continue
    yield chunk
    chunk = ''
  }
  if (chunk !== '') yield chunk
}
