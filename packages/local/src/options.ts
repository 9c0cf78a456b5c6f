import { isIP } from 'node:net'
import type { BackendLogin } from './backend'
import { checkNames, expectBoolean, expectNumber, expectObject, expectString, expectStrings } from './checks'
import {
  readBackendUsers,
  readDuration,
  readIdentities,
  readNames,
  readWholeNumber,
} from './command/flag-values'
import { DEFAULT_ENDPOINTS, DEFAULT_REGION, DEFAULT_USERS, type Engine } from './defaults'
import { parseEndpointName } from './endpoint-name'
import type { ConflictCode } from './dsql/statements'
import { checkIdentities, createIdentity, type TestIdentity } from './iam/identity'

/** What logins are decided by. It may change while the endpoint runs. */
export interface LocalRdsConfiguration {
  /** Identities that exist. Default: one with a random key, which may log in as any user. */
  identities: readonly TestIdentity[]
  /** Region that tokens must be signed for. Default `'us-east-1'`. */
  region: string
  /**
   * Names that tokens may be signed for and that the certificate covers, `host` or `host:port`. A name without a port
   * stands for the listening port and for the engine's default port. Default `['localhost', '127.0.0.1']`; given names
   * replace it.
   */
  endpoints: readonly string[]
  /** Database users that exist. Default `['jane_doe']`. */
  users: readonly string[]
  /**
   * Milliseconds to add to the clock that tokens and identities are checked against; negative is back. Default 0.
   * With 901,000 a fresh token has expired.
   */
  clockOffsetMs: number
  /**
   * Logins that are allowed within a second. One more is refused like any other login, and the audit trail says
   * `THROTTLED`. 0 refuses all. Default `Infinity`. AWS advises fewer than 200 a second.
   */
  maxConnectionsPerSecond: number
  /**
   * Engine `dsql`: maximum duration of a session, in seconds. The session is then closed without a message; if a
   * transaction is running, after it ends. Applies to sessions that begin later. Default 3600, as on Aurora DSQL.
   */
  maxSessionSeconds?: number | undefined
  /**
   * Engine `dsql`: number of transactions that will fail with a conflict, SQLSTATE 40001. Each transaction that changes
   * rows or the schema fails when it commits and reduces the number by one, until it is 0. Default 0.
   */
  conflicts?: number | undefined
  /**
   * Engine `dsql`: code in the message of these conflicts. `'OC000'`: another transaction changed the same rows.
   * `'OC001'`: another transaction changed the schema. Default `'OC000'`.
   */
  conflictCode?: ConflictCode | undefined
}

/** Options of an endpoint. Those of {@link LocalRdsConfiguration} may change later. */
export interface LocalRdsOptions extends Partial<LocalRdsConfiguration> {
  /** Database engine. Default `'postgres'`. */
  engine?: Engine
  /**
   * URL of the database behind the endpoint, `postgresql://user:password@host:port/database` or `mysql://…`.
   * With `?ssl-ca=FILE` the endpoint connects to it over TLS and trusts the certificates in the file; with
   * `?socket=FILE` it connects to that Unix-domain socket, which is faster.
   * Default: an embedded PostgreSQL, or the machine's own MariaDB or MySQL, started for this endpoint alone.
   */
  backend?: string
  /**
   * User and password at `backend` for a database user of the endpoint, by that user's name.
   * Default: the user of the URL. Without `backend` each user logs in as itself.
   */
  backendUsers?: Readonly<Record<string, BackendLogin>>
  /** TCP port. Default 0: a free one. */
  port?: number
  /**
   * IP address to listen on, such as `'0.0.0.0'`. Everyone who reaches it and knows the test credentials has the
   * database: for closed networks only. Default: 127.0.0.1 and ::1.
   */
  host?: string
  /** Whether tokens without `/` before `?` are refused, as by some Aurora clusters. Default false. */
  requireSlash?: boolean
  /**
   * Whether TLS is offered, and then required. Default true. With false the server offers no TLS and still asks for
   * the token, to test that a client does not send it.
   */
  tls?: boolean
  /**
   * Whether to serve the audit trail and the configuration over HTTP on 127.0.0.1, to everyone who has the token.
   * Default false. `true` takes a free port.
   */
  control?: boolean | { port?: number }
  /** Cancels the start when it is aborted; what was started by then is stopped. It has no effect later. */
  signal?: AbortSignal
}

/** A flag of the command line. */
export interface Flag {
  /** Name without dashes. */
  name: string
  /** Placeholder of its value in the usage text. */
  value: string
  /** Title of the section of the usage text that begins with this flag. */
  section?: string
  /** Usage text; a line feed breaks the line. */
  help: string
  /** Reads what was given, once or more. Default: the last text as it is. */
  read?(texts: readonly string[], flag: string): unknown
}

/** One option, for the API and for the command. */
interface Option<T> {
  /** Value of an option that is not given. Default: undefined. */
  initial?: () => T
  /** Returns the checked value, which shares no array with the given one. @throws {TypeError} with the name. */
  check(name: string, value: unknown): T
  /** The command's flag. Default: none. */
  flag?: Flag
}

type Table = Readonly<Record<string, Option<unknown>>>

type Values<T> = {
  [Name in keyof T]: T[Name] extends { check(...given: never[]): infer Value }
    ? T[Name] extends { initial: unknown }
      ? Value
      : Value | undefined
    : never
}

/** Options that are fixed once the endpoint runs. */
const FIXED = {
  engine: {
    initial: () => 'postgres',
    check: checkEngine,
    flag: {
      name: 'engine',
      value: 'ENGINE',
      section: 'What is served',
      help: 'postgres (default), mysql or dsql: Aurora DSQL, which is PostgreSQL with restrictions',
    },
  },
  backend: {
    check: expectString,
    flag: {
      name: 'backend',
      value: 'URL',
      help:
        'the database behind it, postgresql://user:password@host:port/database or mysql://…;\n' +
        '?ssl-ca=FILE for TLS, ?socket=FILE for a Unix-domain socket. Default: an embedded PostgreSQL,\n' +
        "or the machine's MariaDB or MySQL",
    },
  },
  backendUsers: {
    initial: () => ({}),
    check: checkBackendUsers,
    flag: {
      name: 'backend-user',
      value: 'NAME=USER:PASSWORD',
      help: "login at the backend for the endpoint's user NAME. Default: the URL's user",
      read: readBackendUsers,
    },
  },
  port: {
    initial: () => 0,
    check: checkPort,
    flag: {
      name: 'port',
      value: 'N',
      section: 'Where',
      help: 'TCP port. Default: a free one',
      read: lastOf(readWholeNumber),
    },
  },
  host: {
    check: checkHost,
    flag: {
      name: 'host',
      value: 'ADDRESS',
      help:
        'listen on this IP address instead of loopback. Dangerous: everyone who reaches it and knows\n' +
        'the test credentials has the database',
    },
  },
  requireSlash: { initial: () => false, check: expectBoolean },
  tls: { initial: () => true, check: expectBoolean },
  control: { check: checkControl },
  signal: { check: (_: string, value: unknown) => value as AbortSignal },
} satisfies Record<Exclude<keyof LocalRdsOptions, keyof LocalRdsConfiguration>, Option<unknown>>

/** Options that may change while the endpoint runs. */
const CONFIGURATION = {
  endpoints: {
    initial: () => DEFAULT_ENDPOINTS,
    check: checkEndpoints,
    flag: {
      name: 'endpoint',
      value: 'NAME',
      help:
        'name that tokens are signed for and the certificate covers, host or host:port.\n' +
        'Default: localhost and 127.0.0.1; given names replace them',
      read: readNames,
    },
  },
  region: {
    initial: () => DEFAULT_REGION,
    check: checkRegion,
    flag: {
      name: 'region',
      value: 'REGION',
      section: 'Who may log in',
      help: `region that tokens are signed for. Default: ${DEFAULT_REGION}`,
    },
  },
  users: {
    initial: () => DEFAULT_USERS,
    check: checkUsers,
    flag: {
      name: 'user',
      value: 'NAME',
      help: `database user. Default: ${DEFAULT_USERS.join(', ')}`,
      read: readNames,
    },
  },
  identities: {
    initial: () => [createIdentity()],
    check: checkIdentities,
    flag: {
      name: 'identity',
      value: 'KEY:SECRET[:SESSION_TOKEN]',
      help: 'test credentials. Default: a random key',
      read: readIdentities,
    },
  },
  clockOffsetMs: {
    initial: () => 0,
    check: checkClockOffset,
    flag: {
      name: 'clock-offset',
      value: 'TIME',
      help: 'added to the clock that tokens are checked against: 16m, --clock-offset=-90s; ms, s, m, h, d',
      read: lastOf(readDuration),
    },
  },
  maxConnectionsPerSecond: {
    initial: () => Infinity,
    check: checkLimit,
    flag: {
      name: 'max-connections-per-second',
      value: 'N',
      help: 'logins above it are refused. Default: no limit',
      read: lastOf(readWholeNumber),
    },
  },
  maxSessionSeconds: {
    check: checkSessionSeconds,
    flag: {
      name: 'max-session-seconds',
      value: 'N',
      section: 'Aurora DSQL (--engine dsql)',
      help: 'close sessions after N seconds. Default: 3600',
      read: lastOf(readWholeNumber),
    },
  },
  conflicts: {
    check: checkConflicts,
    flag: {
      name: 'conflicts',
      value: 'N',
      help: 'the first N transactions that write fail with a conflict (40001). Default: 0',
      read: lastOf(readWholeNumber),
    },
  },
  conflictCode: {
    check: checkConflictCode,
    flag: {
      name: 'conflict-code',
      value: 'CODE',
      help: 'OC000 (default: same rows) or OC001 (schema)',
    },
  },
} satisfies { [Name in keyof LocalRdsConfiguration]: Option<LocalRdsConfiguration[Name]> }

const DSQL_OPTIONS = ['maxSessionSeconds', 'conflicts', 'conflictCode'] as const

/** Every option, in the order of the usage text. */
export const OPTIONS: Readonly<Record<keyof LocalRdsOptions, Option<unknown>>> = {
  ...FIXED,
  ...CONFIGURATION,
}

/** Checked options, with their defaults; `control` is the control endpoint's port, 0 for a free one. */
export type ResolvedOptions = Values<typeof FIXED> & { configuration: LocalRdsConfiguration }

/** @throws {TypeError} with the name of the wrong option. */
export function resolveOptions(options: LocalRdsOptions): ResolvedOptions {
  checkNames('startLocalRds', options, Object.keys(OPTIONS))
  if (options.backend === undefined && options.backendUsers !== undefined)
    throw new TypeError('backendUsers has no effect without backend')
  const fixed = readValues(FIXED, options)
  checkDsqlOptions(fixed.engine, options)
  return { ...fixed, configuration: readValues(CONFIGURATION, options) }
}

/**
 * Returns a configuration with some values replaced; undefined replaces nothing. No array is shared.
 *
 * @throws {TypeError} with the name of the wrong value.
 */
export function changeConfiguration(
  current: LocalRdsConfiguration,
  change: Partial<LocalRdsConfiguration>,
): LocalRdsConfiguration {
  checkNames('configure', change, Object.keys(CONFIGURATION))
  return readValues(CONFIGURATION, change, current)
}

/** @throws {TypeError} when a DSQL option is given for another engine, where it would have no effect. */
export function checkDsqlOptions(engine: Engine, options: Partial<LocalRdsConfiguration>): void {
  if (engine === 'dsql') return
  const given = DSQL_OPTIONS.find((name) => options[name] !== undefined)
  if (given !== undefined) throw new TypeError(`${given} has no effect with engine ${engine}`)
}

function readValues<T extends Table>(table: T, ...sources: object[]): Values<T> {
  const entries = Object.entries(table).map(([name, { initial, check }]) => {
    const values = sources.map((source) => (source as Record<string, unknown>)[name])
    const value = values.find((candidate) => candidate !== undefined)
    return [name, value === undefined ? initial?.() : check(name, value)]
  })
  return Object.fromEntries(entries) as Values<T>
}

/** Adapts a reader of one text to a flag that may be repeated: the last one counts. */
function lastOf(read: (text: string, flag: string) => unknown): NonNullable<Flag['read']> {
  return (texts, flag) => read(texts.at(-1) ?? '', flag)
}

function checkEngine(name: string, value: unknown): Engine {
  if (value === 'postgres' || value === 'mysql' || value === 'dsql') return value
  throw new TypeError(`${name} must be postgres, mysql or dsql, not '${String(value)}'`)
}

function checkBackendUsers(name: string, value: unknown): Readonly<Record<string, BackendLogin>> {
  const logins = expectObject(name, value)
  for (const login of Object.values(logins)) expectString(`${name}: user`, expectObject(name, login).user)
  return logins as unknown as Record<string, BackendLogin>
}

function checkPort(name: string, value: unknown): number {
  const port = expectNumber(name, value)
  if (Number.isInteger(port) && port >= 0 && port <= 65_535) return port
  throw new TypeError(`${name} must be from 0 to 65535`)
}

function checkHost(name: string, value: unknown): string {
  const host = expectString(name, value)
  if (isIP(host) !== 0) return host
  throw new TypeError(`${name} must be an IP address, such as 0.0.0.0, not '${host}'`)
}

function checkControl(name: string, value: unknown): number | undefined {
  if (typeof value === 'boolean') return value ? 0 : undefined
  checkNames(name, value, ['port'])
  return checkPort(`${name}.port`, (value as { port?: number }).port ?? 0)
}

function checkEndpoints(name: string, value: unknown): string[] {
  const endpoints = expectStrings(name, value)
  if (endpoints.length === 0) throw new TypeError(`${name} must have at least one name`)
  for (const endpoint of endpoints) parseEndpointName(endpoint)
  return endpoints
}

function checkRegion(name: string, value: unknown): string {
  const region = expectString(name, value)
  if (/^[a-z0-9-]+$/.test(region)) return region
  throw new TypeError(`${name} '${region}' is not the name of a region`)
}

function checkUsers(name: string, value: unknown): string[] {
  const users = expectStrings(name, value)
  if (users.length > 0 && !users.some((user) => user === '' || user.includes('\0'))) return users
  throw new TypeError(`${name} must be a list of names, at least one`)
}

// Dates further away cannot be written.
const MAX_OFFSET_MS = 100 * 365 * 86_400_000

function checkClockOffset(name: string, value: unknown): number {
  const offset = expectNumber(name, value)
  if (Math.abs(offset) <= MAX_OFFSET_MS) return offset
  throw new TypeError(`${name} must be a number of milliseconds, at most a hundred years`)
}

// One day.
const MAX_SESSION_SECONDS = 86_400

function checkSessionSeconds(name: string, value: unknown): number {
  const seconds = expectNumber(name, value)
  if (seconds > 0 && seconds <= MAX_SESSION_SECONDS) return seconds
  throw new TypeError(`${name} must be more than 0 and at most ${MAX_SESSION_SECONDS}`)
}

function checkConflicts(name: string, value: unknown): number {
  const conflicts = expectNumber(name, value)
  if (Number.isInteger(conflicts) && conflicts >= 0) return conflicts
  throw new TypeError(`${name} must be a whole number from 0`)
}

function checkConflictCode(name: string, value: unknown): ConflictCode {
  if (value === 'OC000' || value === 'OC001') return value
  throw new TypeError(`${name} must be OC000 or OC001, not '${String(value)}'`)
}

function checkLimit(name: string, value: unknown): number {
  const limit = expectNumber(name, value)
  if (limit === Infinity || (Number.isInteger(limit) && limit >= 0)) return limit
  throw new TypeError(`${name} must be a whole number from 0, or Infinity`)
}
