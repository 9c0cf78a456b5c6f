import { isIP } from 'node:net'
import type { BackendLogin } from './backend'
import {
  checked,
  checkNames,
  expectBoolean,
  expectNumber,
  expectObject,
  expectString,
  expectStrings,
  oneOf,
  wholeNumber,
  type Check,
} from './checks'
import {
  readBackendUsers,
  readDuration,
  readIdentities,
  readNames,
  readWholeNumber,
} from './command/flag-values'
import { DEFAULT_ENDPOINTS, DEFAULT_REGION, DEFAULT_USERS, type Engine } from './defaults'
import type { ConflictCode } from './dsql/statements'
import { parseEndpointName } from './endpoint-name'
import { checkIdentities, createIdentity } from './iam/identity'
import type { LocalRdsConfiguration, LocalRdsOptions } from './options'

/** One option, for the API and for the command. */
export interface Option<T> {
  /** Value of an option that is not given. Default: undefined. */
  initial?: () => T
  /** Returns the checked value, which shares no array with the given one. */
  check: Check<T>
  /** The command's flag with the placeholder of its value. Default: none. */
  flag?: string
  /** Title of the section of the usage text that begins with this flag. */
  section?: string
  /** Usage text; a line feed breaks the line. */
  help?: string
  /** Reads what was given on the command line, once or more. Default: the last text as it is. */
  read?(texts: readonly string[], flag: string): unknown
}

const checkPort = wholeNumber(0, 65_535, 'from 0 to 65535')

// Dates further away cannot be written.
const MAX_OFFSET_MS = 100 * 365 * 86_400_000

// One day.
const MAX_SESSION_SECONDS = 86_400

/** Options that are fixed once the endpoint runs. */
export const FIXED = {
  engine: {
    initial: () => 'postgres',
    check: oneOf<Engine>(['postgres', 'mysql', 'dsql'], 'postgres, mysql or dsql'),
    flag: '--engine ENGINE',
    section: 'What is served',
    help: 'postgres (default), mysql or dsql: Aurora DSQL, which is PostgreSQL with restrictions',
  },
  backend: {
    check: expectString,
    flag: '--backend URL',
    help:
      'the database behind it, postgresql://user:password@host:port/database or mysql://…;\n' +
      '?ssl-ca=FILE for TLS, ?socket=FILE for a Unix-domain socket. Default: an embedded PostgreSQL,\n' +
      "or the machine's MariaDB or MySQL",
  },
  backendUsers: {
    initial: () => ({}),
    check: checkBackendUsers,
    flag: '--backend-user NAME=USER:PASSWORD',
    help: "login at the backend for the endpoint's user NAME. Default: the URL's user",
    read: readBackendUsers,
  },
  port: {
    initial: () => 0,
    check: checkPort,
    flag: '--port N',
    section: 'Where',
    help: 'TCP port. Default: a free one',
    read: readWholeNumber,
  },
  host: {
    check: checked(
      expectString,
      (host) => isIP(host) !== 0,
      (host) => `must be an IP address, such as 0.0.0.0, not '${host}'`,
    ),
    flag: '--host ADDRESS',
    help:
      'listen on this IP address instead of loopback. Dangerous: everyone who reaches it and knows\n' +
      'the test credentials can use the database',
  },
  requireSlash: { initial: () => false, check: expectBoolean },
  tls: { initial: () => true, check: expectBoolean },
  control: { check: checkControl },
  signal: { check: (_: string, value: unknown) => value as AbortSignal },
} satisfies Record<Exclude<keyof LocalRdsOptions, keyof LocalRdsConfiguration>, Option<unknown>>

/** Options that may change while the endpoint runs. */
export const CONFIGURATION = {
  endpoints: {
    initial: () => DEFAULT_ENDPOINTS,
    check: checkEndpoints,
    flag: '--endpoint NAME',
    help:
      'name that tokens are signed for and the certificate covers, host or host:port.\n' +
      'Default: localhost and 127.0.0.1; given names replace them',
    read: readNames,
  },
  region: {
    initial: () => DEFAULT_REGION,
    check: checked(
      expectString,
      (region) => /^[a-z0-9-]+$/.test(region),
      (region) => `'${region}' is not the name of a region`,
    ),
    flag: '--region REGION',
    section: 'Who may log in',
    help: `region that tokens are signed for. Default: ${DEFAULT_REGION}`,
  },
  users: {
    initial: () => DEFAULT_USERS,
    check: checked(
      expectStrings,
      (users) => users.length > 0 && !users.some((user) => user === '' || user.includes('\0')),
      () => 'must be a list of names, at least one',
    ),
    flag: '--user NAME',
    help: `database user. Default: ${DEFAULT_USERS.join(', ')}`,
    read: readNames,
  },
  identities: {
    initial: () => [createIdentity()],
    check: checkIdentities,
    flag: '--identity KEY:SECRET[:SESSION_TOKEN]',
    help: 'test credentials. Default: a random key',
    read: readIdentities,
  },
  clockOffsetMs: {
    initial: () => 0,
    check: checked(
      expectNumber,
      (offset) => Math.abs(offset) <= MAX_OFFSET_MS,
      () => 'must be a number of milliseconds, at most a hundred years',
    ),
    flag: '--clock-offset TIME',
    help: 'added to the clock that tokens are checked against: 16m, --clock-offset=-90s; ms, s, m, h, d',
    read: readDuration,
  },
  maxConnectionsPerSecond: {
    initial: () => Infinity,
    check: checked(
      expectNumber,
      (limit) => limit === Infinity || (Number.isInteger(limit) && limit >= 0),
      () => 'must be a whole number from 0, or Infinity',
    ),
    flag: '--max-connections-per-second N',
    help: 'logins above it are refused. Default: no limit',
    read: readWholeNumber,
  },
  maxSessionSeconds: {
    check: checked(
      expectNumber,
      (seconds) => seconds > 0 && seconds <= MAX_SESSION_SECONDS,
      () => `must be more than 0 and at most ${MAX_SESSION_SECONDS}`,
    ),
    flag: '--max-session-seconds N',
    section: 'Aurora DSQL (--engine dsql)',
    help: 'close sessions after N seconds. Default: 3600',
    read: readWholeNumber,
  },
  conflicts: {
    check: wholeNumber(0, Infinity, 'a whole number from 0'),
    flag: '--conflicts N',
    help: 'the first N transactions that write fail with a conflict (40001). Default: 0',
    read: readWholeNumber,
  },
  conflictCode: {
    check: oneOf<ConflictCode>(['OC000', 'OC001'], 'OC000 or OC001'),
    flag: '--conflict-code CODE',
    help: 'OC000 (default: same rows) or OC001 (schema)',
  },
} satisfies { [Name in keyof LocalRdsConfiguration]: Option<LocalRdsConfiguration[Name]> }

/** Options that only the engine `dsql` has. */
export const DSQL_OPTIONS = ['maxSessionSeconds', 'conflicts', 'conflictCode'] as const

/** Every option, in the order of the usage text. */
export const OPTIONS: Readonly<Record<keyof LocalRdsOptions, Option<unknown>>> = {
  ...FIXED,
  ...CONFIGURATION,
}

function checkBackendUsers(name: string, value: unknown): Readonly<Record<string, BackendLogin>> {
  const logins = expectObject(name, value)
  for (const login of Object.values(logins)) expectString(`${name}: user`, expectObject(name, login).user)
  return logins as unknown as Record<string, BackendLogin>
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
