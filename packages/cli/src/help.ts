import { commands, type Command } from './commands'

/** The help of the program. */
export function programHelp(): string {
  const width = Math.max(...commands.map(({ name }) => name.length))
  return [
    'Log in to Amazon RDS and Aurora with your AWS identity.',
    '',
    'Usage: rds-iam COMMAND [OPTIONS]',
    '',
    ...commands.map(({ name, summary }) => `  ${name.padEnd(width)}  ${summary}`),
    '',
    '`rds-iam COMMAND --help` shows the options of a command; `rds-iam --version` shows the version.',
    '',
  ].join('\n')
}

/** The help of a command. */
export function commandHelp({ summary, usage, options, notes }: Command): string {
  const rows = Object.entries(options).map(([name, { value, description }]) => ({
    option: `--${name}${value ? ` ${value}` : ''}`,
    description,
  }))
  const width = Math.max(...rows.map(({ option }) => option.length))
  const lines = rows.map(({ option, description }) => `  ${option.padEnd(width)}  ${description}`)
  return [`${summary}.`, '', `Usage: ${usage}`, '', ...lines, '', notes, ''].join('\n')
}
