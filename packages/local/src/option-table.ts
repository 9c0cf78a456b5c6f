import { expectBoolean, expectString } from './checks'
import {
  readBackendUsers,
  readDuration,
  readIdentities,
  readNames,
  readWholeNumber,
} from './command/flag-values'
import { DEFAULT_ENDPOINTS, DEFAULT_REGION, DEFAULT_USERS } from './defaults'
import { checkIdentities, createIdentity } from './iam/identity'
import {
  checkBackendUsers,
  checkClockOffset,
  checkConflictCode,
  checkConflicts,
  checkControl,
  checkEndpoints,
  checkEngine,
  checkHost,
  checkLimit,
  checkPort,
  checkRegion,
  checkSessionSeconds,
  checkUsers,
} from './option-checks'
import type { LocalRdsConfiguration, LocalRdsOptions } from './options'

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
export interface Option<T> {
  /** Value of an option that is not given. Default: undefined. */
  initial?: () => T
  /** Returns the checked value, which shares no array with the given one. @throws {TypeError} with the name. */
  check(name: string, value: unknown): T
  /** The command's flag. Default: none. */
  flag?: Flag
}

/** Options that are fixed once the endpoint runs. */
export const FIXED = {
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
export const CONFIGURATION = {
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

/** Options that only the engine `dsql` has. */
export const DSQL_OPTIONS = ['maxSessionSeconds', 'conflicts', 'conflictCode'] as const

/** Every option, in the order of the usage text. */
export const OPTIONS: Readonly<Record<keyof LocalRdsOptions, Option<unknown>>> = {
  ...FIXED,
  ...CONFIGURATION,
}

/** Adapts a reader of one text to a flag that may be repeated: the last one counts. */
function lastOf(read: (text: string, flag: string) => unknown): NonNullable<Flag['read']> {
  return (texts, flag) => read(texts.at(-1) ?? '', flag)
}
