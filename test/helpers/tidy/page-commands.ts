// Commands and statements as pages of the documentation have them.

export interface Block {
  /** The nearest heading above it. */
  readonly heading: string
  readonly language: string
  readonly lines: readonly string[]
}

export function blocksOf(page: string): Block[] {
  const blocks: Block[] = []
  let heading = ''
  let open: { language: string; lines: string[] } | null = null
  for (const line of page.split('\n')) {
    const fence = /^```(\w*)/.exec(line)
    if (fence && open) {
      blocks.push({ heading, ...open })
      open = null
    } else if (fence) open = { language: fence[1] ?? '', lines: [] }
    else if (open) open.lines.push(line)
    else heading = /^#+ (.*)/.exec(line)?.[1] ?? heading
  }
  return blocks
}

export interface PageCommand {
  readonly text: string
  /** The code that the page says. Default 0. */
  readonly exitCode: number
}

/** The lines of a block for a shell, without blank ones and comments. */
export function commandsOf({ lines }: Block): PageCommand[] {
  return lines
    .filter((line) => line.trim() !== '' && !line.startsWith('#'))
    .map((line) => ({
      text: line.replace(/\s+#\s.*$/, ''),
      exitCode: Number(/\s#\s+exit code (\d+)/.exec(line)?.[1] ?? 0),
    }))
}

/** Calls of the command line, in blocks and in sentences: `rehome retry RUN --all`. */
export function callsOf(page: string): string[] {
  const inBlocks = blocksOf(page)
    .filter(({ language }) => language === 'sh')
    .flatMap(commandsOf)
    .flatMap(({ text }) => /(?:^|[ (|&])(rehome [a-z].*)/.exec(text)?.[1] ?? [])
  const prose = page.replace(/^```[\s\S]*?^```/gm, '')
  const inline = [...prose.matchAll(/`(rehome\s+[a-z][^`]*)`/g)].map(([, text = '']) => text)
  return [...inBlocks, ...inline].map((text) => text.replace(/\s+/g, ' '))
}
