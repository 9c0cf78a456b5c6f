import { parseArgs } from 'node:util'
import { parseBackendUrl, type BackendLogin } from '../backend'
import type { TestIdentity } from '../iam/identity'
import { resolveOptions, type LocalRdsOptions } from '../options'
import { parseDuration } from './duration'

/** A command line that makes no sense; its message says why in one line. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

/** How the command tells what it does: for people, as JSON, or for a shell. */
export type Format = 'text' | 'json' | 'shell'

/** An endpoint that a command line asks for. */
export interface Service {
  action: 'serve'
  options: LocalRdsOptions
  format: Format
  /** Whether to say nothing about logins. */
  quiet: boolean
  /** Where to write the CA certificate; undefined for a temporary file. */
  caFile: string | undefined
}

/** What a command line asks for. */
export type Invocation = { action: 'help' } | { action: 'version' } | Service

const OPTIONS = {
  engine: { type: 'string' },
  backend: { type: 'string' },
  'backend-user': { type: 'string', multiple: true },
  port: { type: 'string' },
  host: { type: 'string' },
  endpoint: { type: 'string', multiple: true },
  region: { type: 'string' },
  user: { type: 'string', multiple: true },
  identity: { type: 'string', multiple: true },
  'clock-offset': { type: 'string' },
  'max-connections-per-second': { type: 'string' },
  json: { type: 'boolean' },
  shell: { type: 'boolean' },
  quiet: { type: 'boolean' },
  'ca-file': { type: 'string' },
  'control-port': { type: 'string' },
  'no-control': { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
  version: { type: 'boolean' },
} as const

/**
 * Reads a command line.
 *
 * @throws {UsageError} when a flag is unknown or a value is wrong.
 */
export function parseArguments(args: readonly string[]): Invocation {
  const values = parseFlags(args)
  if (values.help === true) return { action: 'help' }
  if (values.version === true) return { action: 'version' }
  if (values.json === true && values.shell === true)
    throw new UsageError('--json and --shell exclude each other')
  if (values['no-control'] === true && values['control-port'] !== undefined)
    throw new UsageError('--no-control and --control-port exclude each other')
  const options = checked(() => localRdsOptions(values))
  const format = values.json === true ? 'json' : values.shell === true ? 'shell' : 'text'
  return { action: 'serve', options, format, quiet: values.quiet ?? false, caFile: values['ca-file'] }
}

type Values = ReturnType<typeof parseFlags>

function parseFlags(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: OPTIONS, strict: true, allowPositionals: false }).values
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    // Node goes on about positional arguments, which there are none of.
    throw new UsageError(message.replace(/\. (To specify|This command).*/s, '').replace(/\s*\n\s*/g, ' '))
  }
}

function localRdsOptions(values: Values): LocalRdsOptions {
  const { engine, backend, host, region, identity } = values
  const backendUsers = values['backend-user']
  const offset = values['clock-offset']
  const limit = values['max-connections-per-second']
  const options: LocalRdsOptions = {
    ...(engine === undefined ? {} : { engine: engineNamed(engine) }),
    ...(backend === undefined ? {} : { backend }),
    ...(backendUsers === undefined
      ? {}
      : { backendUsers: Object.fromEntries(backendUsers.map(backendUser)) }),
    ...(values.port === undefined ? {} : { port: wholeNumber('--port', values.port) }),
    ...(host === undefined ? {} : { host }),
    ...(values.endpoint === undefined ? {} : { endpoints: names(values.endpoint) }),
    ...(region === undefined ? {} : { region }),
    ...(values.user === undefined ? {} : { users: names(values.user) }),
    ...(identity === undefined ? {} : { identities: identity.map(testIdentity) }),
    ...(offset === undefined ? {} : { clockOffsetMs: parseDuration('--clock-offset', offset) }),
    ...(limit === undefined
      ? {}
      : { maxConnectionsPerSecond: wholeNumber('--max-connections-per-second', limit) }),
    control: control(values),
  }
  const resolved = resolveOptions(options)
  if (backend !== undefined) parseBackendUrl(resolved.engine, backend)
  return options
}

function control(values: Values): boolean | { port: number } {
  if (values['no-control'] === true) return false
  const port = values['control-port']
  return port === undefined ? true : { port: wholeNumber('--control-port', port) }
}

function engineNamed(text: string): 'postgres' | 'mysql' {
  if (text === 'postgres' || text === 'mysql') return text
  throw new TypeError(`--engine must be postgres or mysql, not '${text}'`)
}

function names(values: readonly string[]): string[] {
  return values.flatMap((value) => value.split(',')).map((name) => name.trim())
}

function wholeNumber(flag: string, text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new TypeError(`${flag} must be a whole number, not '${text}'`)
  return Number(text)
}

// The values of these two hold a secret, so a message does not repeat them.

function backendUser(text: string): [name: string, login: BackendLogin] {
  const [, name = '', user = '', password] = /^([^=]+)=([^:]+)(?::(.*))?$/s.exec(text) ?? []
  if (name === '') throw new TypeError('--backend-user must be NAME=USER or NAME=USER:PASSWORD')
  return [name, password === undefined ? { user } : { user, password }]
}

function testIdentity(text: string): TestIdentity {
  const [accessKeyId = '', secretAccessKey = '', sessionToken, ...more] = text.split(':')
  if (accessKeyId === '' || secretAccessKey === '' || sessionToken === '' || more.length > 0)
    throw new TypeError('--identity must be ACCESS_KEY_ID:SECRET or ACCESS_KEY_ID:SECRET:SESSION_TOKEN')
  return { accessKeyId, secretAccessKey, ...(sessionToken === undefined ? {} : { sessionToken }) }
}

/** Turns what the checks of options and of the backend's URL throw into an error of usage. */
function checked<T>(read: () => T): T {
  try {
    return read()
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error))
  }
}
