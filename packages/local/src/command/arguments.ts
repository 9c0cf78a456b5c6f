import { parseArgs } from 'node:util'
import { parseBackendUrl } from '../backend'
import { OPTIONS } from '../option-table'
import type { LocalRdsOptions } from '../options'
import { resolveOptions } from '../resolve-options'
import { readWholeNumber } from './flag-values'

/** A wrong command line; its message says why in one line. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

/** Output of the command: for people, as JSON, or for a shell. */
export type Format = 'text' | 'json' | 'shell'

/** An endpoint that a command line asks for. */
export interface Service {
  action: 'serve'
  options: LocalRdsOptions
  format: Format
  /** Whether logins are not printed. */
  quiet: boolean
  /** File for the CA certificate; undefined for a temporary one. */
  caFile: string | undefined
}

/** What a command line asks for. */
export type Invocation = { action: 'help' } | { action: 'version' } | Service

/** Flags of the command alone; those of the endpoint are in {@link OPTIONS}. */
const COMMAND_FLAGS = {
  json: {
    type: 'boolean',
    section: 'What is printed',
    help: 'one JSON object when it is ready, then one for each login',
  },
  shell: {
    type: 'boolean',
    help: "one line for a shell's eval when it is ready; logins go to the standard error output",
  },
  quiet: { type: 'boolean', help: 'no logins' },
  'ca-file': {
    type: 'string',
    value: 'FILE',
    help: 'write the CA certificate there. Default: a temporary file. It is removed at the end',
  },
  'control-port': {
    type: 'string',
    value: 'N',
    section: 'Other',
    help: 'port of the control endpoint on 127.0.0.1. Default: a free one',
  },
  'no-control': { type: 'boolean', help: 'no control endpoint' },
  help: { type: 'boolean', short: 'h', help: 'print this text' },
  version: { type: 'boolean', help: 'print the version' },
} as const

const ENDPOINT_FLAGS = Object.entries(OPTIONS).flatMap(([option, { flag, ...row }]) =>
  flag === undefined ? [] : [{ ...row, option, flag, name: flag.slice(2).replace(/ .*/, '') }],
)

/**
 * Reads a command line.
 *
 * @throws {UsageError} when a flag is unknown or a value is wrong.
 */
export function parseArguments(args: readonly string[]): Invocation {
  const { own, repeated } = parseFlags(args)
  if (own.help === true) return { action: 'help' }
  if (own.version === true) return { action: 'version' }
  if (own.json === true && own.shell === true) throw new UsageError('--json and --shell exclude each other')
  const port = own['control-port']
  if (own['no-control'] === true && port !== undefined)
    throw new UsageError('--no-control and --control-port exclude each other')
  try {
    const control =
      port === undefined ? own['no-control'] !== true : { port: readWholeNumber([port], '--control-port') }
    const options = { ...readOptions(repeated), control }
    const { engine, backend } = resolveOptions(options)
    if (backend !== undefined) parseBackendUrl(engine, backend)
    const format = own.json === true ? 'json' : own.shell === true ? 'shell' : 'text'
    return { action: 'serve', options, format, quiet: own.quiet ?? false, caFile: own['ca-file'] }
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error))
  }
}

/** The text that `--help` prints. */
export function usage(): string {
  const column = ' '.repeat(26)
  const ownFlags = Object.entries(COMMAND_FLAGS).map(([name, row]) => {
    return { ...row, flag: 'value' in row ? `--${name} ${row.value}` : `--${name}` }
  })
  const rows: { flag: string; section?: string; help?: string }[] = [...ENDPOINT_FLAGS, ...ownFlags]
  const lines = rows.map(({ flag, section, help = '' }) => {
    const title = section === undefined ? '' : `\n${section}\n`
    const start = `  ${flag}`
    const gap = start.length < column.length ? column.slice(start.length) : `\n${column}`
    return `${title}${start}${gap}${help.replaceAll('\n', `\n${column}`)}`
  })
  return `Usage: rds-iam-local [options]

Starts an endpoint on this machine that behaves like an RDS or Aurora endpoint at login: it verifies IAM tokens, and
passes sessions on to a real database. It runs until it is stopped (Ctrl-C, SIGTERM).
${lines.join('\n')}

--endpoint, --user, --identity and --backend-user may be repeated; --endpoint and --user also take a list with commas.
`
}

function parseFlags(args: readonly string[]) {
  const endpointFlags = ENDPOINT_FLAGS.map(({ name }) => [name, { type: 'string', multiple: true }] as const)
  try {
    const options = { ...Object.fromEntries(endpointFlags), ...COMMAND_FLAGS }
    const { values } = parseArgs({ args: [...args], options, strict: true, allowPositionals: false })
    type Own = ReturnType<typeof parseArgs<{ options: typeof COMMAND_FLAGS }>>['values']
    return { own: values as Own, repeated: values as Record<string, string[] | undefined> }
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    // Node adds advice about positionals, which this command does not have.
    throw new UsageError(message.replace(/\. (To specify|This command).*/s, '').replace(/\s*\n\s*/g, ' '))
  }
}

function readOptions(values: Record<string, string[] | undefined>): LocalRdsOptions {
  const given = ENDPOINT_FLAGS.flatMap(({ name, option, read = (texts) => texts.at(-1), check }) => {
    const texts = values[name]
    const flag = `--${name}`
    return texts === undefined ? [] : [[option, check(flag, read(texts, flag))] as const]
  })
  return Object.fromEntries(given)
}
