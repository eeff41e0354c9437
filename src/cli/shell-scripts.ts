/** Completion scripts of shells, made from what is known of the commands. Pure. */

export const shells = ['bash', 'zsh', 'fish'] as const

export interface Known {
  /** Empty: the program itself. */
  readonly path: readonly string[]
  readonly description: string
  readonly options: readonly KnownOption[]
  /** Names of commands below it, and the values that its arguments may have. */
  readonly words: readonly string[]
}

export interface KnownOption {
  readonly names: readonly string[]
  readonly description: string
  /** A list: the values that it may have. */
  readonly takes: 'nothing' | 'value' | readonly string[]
}

/** Makes a text one word of any of the three shells. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`
}

function pathText({ path }: Known): string {
  return path.join(' ')
}

/** Options before a command that take a value, which is no command. */
function valued(commands: readonly Known[]): string {
  const [program] = commands
  const options = (program?.options ?? []).filter(({ takes }) => takes !== 'nothing')
  return options.flatMap(({ names }) => names).join('|') || '--'
}

/** Files are completed wherever nothing else is: plans, lists of tenants, outputs. */
export function bashScript(program: string, commands: readonly Known[]): string {
  const paths = commands.filter(({ path }) => path.length > 0).map(pathText)
  const cases = commands.map((one) => {
    const options = one.options.flatMap(({ names }) => names).join(' ')
    return `    ${quoted(pathText(one))}) options=${quoted(options)} words=${quoted(one.words.join(' '))} ;;`
  })
  const values = commands.flatMap((one) =>
    one.options.flatMap(({ names, takes }) => {
      if (takes === 'nothing') return []
      const words = takes === 'value' ? '' : takes.join(' ')
      const patterns = names.map((name) => quoted(`${pathText(one)} ${name}`)).join('|')
      return [`    ${patterns}) takes=1 options='' words=${quoted(words)} ;;`]
    }),
  )
  return `# bash completion of ${program}: source <(${program} completion bash)
_${program}() {
  local cur="\${COMP_WORDS[COMP_CWORD]}" prev="\${COMP_WORDS[COMP_CWORD-1]}"
  local path='' next i takes='' options='' words=''
  for ((i = 1; i < COMP_CWORD; i++)); do
    case "\${COMP_WORDS[i]}" in
      ${valued(commands)}) ((i++)); continue ;;
      -*) continue ;;
    esac
    next="\${path:+$path }\${COMP_WORDS[i]}"
    case "$next" in
      ${paths.map(quoted).join('|')}) path="$next" ;;
      *) break ;;
    esac
  done
  case "$path" in
${cases.join('\n')}
  esac
  case "$path $prev" in
${values.join('\n')}
  esac
  if [[ -z $takes && $cur == -* ]]; then words="$options"; fi
  COMPREPLY=($(compgen -W "$words" -- "$cur"))
}
complete -o default -F _${program} ${program}`
}

export function zshScript(program: string, commands: readonly Known[]): string {
  const entry = (name: string, description: string) => quoted(`${name}:${description}`)
  const cases = commands.map((one) => {
    const options = one.options.flatMap(({ names, description }) =>
      names.map((name) => entry(name, description)),
    )
    const words = one.words.map((word) => {
      const below = commands.find((other) => pathText(other) === [...one.path, word].join(' '))
      return entry(word, below?.description ?? '')
    })
    return `    (${quoted(pathText(one))}) options=(${options.join(' ')}) named=(${words.join(' ')}) ;;`
  })
  const paths = commands.filter(({ path }) => path.length > 0).map(pathText)
  return `#compdef ${program}
# zsh completion of ${program}: source <(${program} completion zsh)
_${program}() {
  local path_='' next_ i
  local -a options named
  for ((i = 2; i < CURRENT; i++)); do
    case "$words[i]" in
      (${valued(commands)}) ((i++)); continue ;;
      (-*) continue ;;
    esac
    next_="\${path_:+$path_ }$words[i]"
    case "$next_" in
      (${paths.map(quoted).join('|')}) path_="$next_" ;;
      (*) break ;;
    esac
  done
  case "$path_" in
${cases.join('\n')}
  esac
  if [[ "$words[CURRENT]" == -* ]]; then
    _describe -o option options
  elif ((\${#named})); then
    _describe command named
  else
    _files
  fi
}
compdef _${program} ${program}`
}

export function fishScript(program: string, commands: readonly Known[]): string {
  const lines = commands.flatMap((one) => {
    const below = commands.filter(
      ({ path }) =>
        path.length === one.path.length + 1 && one.path.every((name, i) => path[i] === name),
    )
    const names = below.map(({ path }) => path.at(-1) ?? '')
    const within =
      one.path.length === 0
        ? `not __fish_seen_subcommand_from ${names.join(' ')}`
        : one.path.map((name) => `__fish_seen_subcommand_from ${name}`).join('; and ')
    const here =
      one.path.length > 0 && names.length > 0
        ? `${within}; and not __fish_seen_subcommand_from ${names.join(' ')}`
        : within
    const words = one.words.map((word) => {
      const description = below.find(({ path }) => path.at(-1) === word)?.description ?? ''
      return `complete -c ${program} -f -n ${quoted(here)} -a ${quoted(word)} -d ${quoted(description)}`
    })
    return [...words, ...one.options.map((option) => fishOption(program, within, option))]
  })
  return [`# fish completion of ${program}: ${program} completion fish | source`, ...lines].join(
    '\n',
  )
}

function fishOption(program: string, within: string, { names, description, takes }: KnownOption) {
  const flags = names.map((name) =>
    name.startsWith('--') ? `-l ${name.slice(2)}` : `-s ${name.slice(1)}`,
  )
  const value = { nothing: '', value: ' -r' }
  const taken = typeof takes === 'string' ? value[takes] : ` -x -a ${quoted(takes.join(' '))}`
  return `complete -c ${program} -n ${quoted(within)} ${flags.join(' ')}${taken} -d ${quoted(description)}`
}
