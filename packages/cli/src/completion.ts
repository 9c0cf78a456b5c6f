import { commands, type Option, type Values } from './commands'
import { UsageError } from './usage-error'

const SHELLS: Readonly<Record<string, () => string>> = { bash, zsh, fish }

/** Runs `rds-iam completion`. */
export async function runCompletion(_: Values, [shell = '', ...rest]: readonly string[]): Promise<number> {
  const script = Object.hasOwn(SHELLS, shell) ? SHELLS[shell] : undefined
  if (!script || rest.length > 0) throw new UsageError('give bash, zsh or fish')
  process.stdout.write(script())
  return 0
}

function names(): string {
  return commands.map(({ name }) => name).join(' ')
}

function bash(): string {
  const cases = commands.map(({ name, options }) => {
    const words =
      name === 'completion' ? Object.keys(SHELLS) : Object.keys(options).map((option) => `--${option}`)
    return `        ${name}) words="${words.join(' ')}" ;;\n`
  })
  return `_rds_iam() {
  local word="\${COMP_WORDS[COMP_CWORD]}" words= i
  COMPREPLY=()
  for ((i = 1; i < COMP_CWORD; i++)); do
    # What follows is a command of its own.
    if [ "\${COMP_WORDS[i]}" = -- ]; then
      if [ $((i + 1)) -eq "$COMP_CWORD" ]; then COMPREPLY=($(compgen -c -- "$word")); else _rds_iam_files; fi
      return
    fi
  done
  case "\${COMP_WORDS[COMP_CWORD-1]}" in
    ${valued(({ value }) => value === 'FILE')}) _rds_iam_files; return ;;
    --engine) words="postgres mysql" ;;
    ${valued(({ value, choices }) => value !== 'FILE' && !choices)}) return ;;
    *)
      case "\${COMP_WORDS[1]}" in
${cases.join('')}      esac
      [ "$COMP_CWORD" -eq 1 ] && words="${names()} --help --version" ;;
  esac
  COMPREPLY=($(compgen -W "$words" -- "$word"))
}
_rds_iam_files() {
  # Adds a slash to a directory; zsh does so by itself.
  compopt -o filenames 2>/dev/null
  COMPREPLY=($(compgen -f -- "$word"))
}
complete -F _rds_iam rds-iam
`
}

/** The options with a value of some kind, as a pattern of the shell. */
function valued(isOfKind: (option: Option) => boolean): string {
  const all = commands.flatMap(({ options }) => Object.entries(options))
  const found = all.filter(([, option]) => option.type === 'string' && isOfKind(option))
  return [...new Set(found.map(([name]) => `--${name}`))].join('|')
}

function zsh(): string {
  return `autoload -U +X bashcompinit && bashcompinit\n${bash()}`
}

function fish(): string {
  const lines = ['complete -c rds-iam -f']
  for (const { name, summary, options } of commands) {
    lines.push(`complete -c rds-iam -n __fish_use_subcommand -a ${name} -d ${quote(summary)}`)
    const on = `-n ${quote(`__fish_seen_subcommand_from ${name}`)}`
    if (name === 'completion')
      lines.push(`complete -c rds-iam ${on} -a ${quote(Object.keys(SHELLS).join(' '))}`)
    for (const [option, { type, choices, value, description }] of Object.entries(options)) {
      const words = choices ? ` -a ${quote(choices.join(' '))}` : ''
      const argument = type === 'string' ? `${value === 'FILE' ? ' -r -F' : ' -x'}${words}` : ''
      lines.push(`complete -c rds-iam ${on} -l ${option}${argument} -d ${quote(description)}`)
    }
  }
  return `${lines.join('\n')}\n`
}

function quote(text: string): string {
  return `'${text.replaceAll("'", String.raw`\'`)}'`
}
