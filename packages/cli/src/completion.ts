import { commands, type Values } from './commands'
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
    return `    ${name}) words="${words.join(' ')}" ;;\n`
  })
  return `_rds_iam() {
  local word="\${COMP_WORDS[COMP_CWORD]}" words i
  for ((i = 1; i < COMP_CWORD; i++)); do
    [ "\${COMP_WORDS[i]}" = -- ] && { COMPREPLY=(); return; }
  done
  case "\${COMP_WORDS[COMP_CWORD-1]}" in
    --ca|--out) COMPREPLY=($(compgen -f -- "$word")); return ;;
    --engine) COMPREPLY=($(compgen -W "postgres mysql" -- "$word")); return ;;
  esac
  case "\${COMP_WORDS[1]}" in
${cases.join('')}    *) words="${names()} --help --version" ;;
  esac
  [ "$COMP_CWORD" -eq 1 ] && words="${names()} --help --version"
  COMPREPLY=($(compgen -W "$words" -- "$word"))
}
complete -o default -F _rds_iam rds-iam
`
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
      const argument = type === 'string' ? ` -r${value === 'FILE' ? ' -F' : ''}${words}` : ''
      lines.push(`complete -c rds-iam ${on} -l ${option}${argument} -d ${quote(description)}`)
    }
  }
  return `${lines.join('\n')}\n`
}

function quote(text: string): string {
  return `'${text.replaceAll("'", String.raw`\'`)}'`
}
