import { parseArgs } from 'node:util'
import { commands, type Command, type Values } from './commands'
import { commandHelp, programHelp } from './help'
import { printableLines } from './printable'
import { UsageError } from './usage-error'

/** Runs the program with its arguments, and gives the exit status: 0 well, 1 a failure, 2 wrong usage. */
export async function runCommandLine(args: readonly string[]): Promise<number> {
  const [name, ...rest] = args
  if (name === '--help' || name === '-h' || name === 'help') return print(programHelp())
  if (name === '--version') return print(`${version()}\n`)
  const command = commands.find((candidate) => candidate.name === name)
  try {
    if (!command) throw new UsageError(name === undefined ? 'give a command' : `there is no command ${name}`)
    if (asksForHelp(rest)) return print(commandHelp(command))
    const { values, words } = parse(command, rest)
    return await command.load()(values, words)
  } catch (error) {
    const { message } = error as Error
    if (!(error instanceof UsageError)) return complain(message, 1)
    return complain(`${message}\nSee: rds-iam ${command ? `${command.name} ` : ''}--help`, 2)
  }
}

function asksForHelp(args: readonly string[]): boolean {
  const end = args.indexOf('--')
  return (end < 0 ? args : args.slice(0, end)).some((arg) => arg === '--help' || arg === '-h')
}

function parse({ options }: Command, args: string[]): { values: Values; words: string[] } {
  const types = Object.fromEntries(Object.entries(options).map(([name, { type }]) => [name, { type }]))
  let parsed
  try {
    parsed = parseArgs({ args, options: types, allowPositionals: true })
  } catch (error) {
    throw new UsageError(inOurWords((error as Error).message))
  }
  const values = parsed.values as Values
  for (const [name, { choices }] of Object.entries(options)) {
    const value = values[name]
    if (value === '') throw new UsageError(`--${name}: give a value`)
    if (choices && typeof value === 'string' && !choices.includes(value))
      throw new UsageError(`--${name}: give ${choices.join(' or ')}`)
  }
  return { values, words: parsed.positionals }
}

// Node goes on about arguments without an option, and calls a value that was left out ambiguous.
function inOurWords(message: string): string {
  const [, option] =
    /^Option '(?:-\w, )?(--[\w-]+)(?: <value>)?' argument (?:missing|is ambiguous)/.exec(message) ?? []
  if (option !== undefined) return `${option}: give a value (one that begins with a dash as ${option}=-…)`
  return message.replace(/\. To specify .*/s, '')
}

function version(): string {
  return (require('../package.json') as { version: string }).version
}

function print(text: string): number {
  process.stdout.write(text)
  return 0
}

function complain(message: string, status: number): number {
  process.stderr.write(`rds-iam: ${printableLines(message)}\n`)
  return status
}
