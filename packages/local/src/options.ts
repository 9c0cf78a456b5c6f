import { isIP } from 'node:net'
import type { BackendLogin } from './backend'
import { checkNames } from './checks'
import {
  changeConfiguration,
  CONFIGURATION_NAMES,
  defaultConfiguration,
  type LocalRdsConfiguration,
} from './configuration'
import type { Engine } from './engine'

/** How a local endpoint is started. The part that may change later is its {@link LocalRdsConfiguration}. */
export interface LocalRdsOptions extends Partial<LocalRdsConfiguration> {
  /** Engine of the database. Default `'postgres'`. */
  engine?: Engine
  /**
   * URL of the database behind the endpoint, `postgresql://user:password@host:port/database` or `mysql://…`;
   * `?ssl-ca=FILE` makes the endpoint use TLS to it, and trust the certificates in the file; `?socket=FILE` makes it
   * dial that Unix-domain socket, which costs less.
   * Default: an embedded PostgreSQL, or the machine's own MariaDB or MySQL, started for this endpoint alone.
   */
  backend?: string
  /**
   * Who logs in to `backend` for a database user of the endpoint, by that user's name.
   * Default: the user of the URL. Without `backend` each user logs in as itself.
   */
  backendUsers?: Readonly<Record<string, BackendLogin>>
  /** TCP port. Default 0: a free one. */
  port?: number
  /**
   * IP address to listen on, such as `'0.0.0.0'`. Whoever reaches it can try tokens, and with the test credentials
   * the database is theirs: for closed networks only. Default: 127.0.0.1 and ::1.
   */
  host?: string
  /** Whether tokens without `/` before `?` are refused, as some Aurora clusters do. Default false. */
  requireSlash?: boolean
  /**
   * Whether TLS is offered, and then required. Default true; false makes a server that offers none and still asks for
   * the token, to see that a client does not send it.
   */
  tls?: boolean
  /**
   * Whether to serve the audit trail and the configuration over HTTP on 127.0.0.1, to whoever has the token.
   * Default false. `true` takes a free port.
   */
  control?: boolean | { port?: number }
  /** Ends the start when it is aborted; what was started by then is stopped. It has no effect later. */
  signal?: AbortSignal
}

/** Options that were checked, with their defaults. */
export interface ResolvedOptions {
  /** Engine of the database. */
  engine: Engine
  /** URL of the database, if one is given. */
  backend: string | undefined
  /** Own logins for some users. */
  backendUsers: Readonly<Record<string, BackendLogin>>
  /** TCP port, 0 for a free one. */
  port: number
  /** Address to listen on; undefined for loopback. */
  host: string | undefined
  /** What decides about logins. */
  configuration: LocalRdsConfiguration
  /** Whether tokens need their slash. */
  requireSlash: boolean
  /** Whether TLS is offered. */
  tls: boolean
  /** Port of the control endpoint, 0 for a free one; undefined for no such endpoint. */
  controlPort: number | undefined
  /** Ends the start. */
  signal: AbortSignal | undefined
}

const OPTION_NAMES = [
  ...Object.keys({
    engine: true,
    backend: true,
    backendUsers: true,
    port: true,
    host: true,
    requireSlash: true,
    tls: true,
    control: true,
    signal: true,
  } satisfies Record<Exclude<keyof LocalRdsOptions, keyof LocalRdsConfiguration>, true>),
  ...CONFIGURATION_NAMES,
]

/** @throws {TypeError} with the name of the option that is wrong. */
export function resolveOptions(options: LocalRdsOptions): ResolvedOptions {
  checkNames('startLocalRds', options, OPTION_NAMES)
  const { engine = 'postgres', backend, host, control = false } = options
  if (typeof control !== 'boolean') checkNames('control', control, ['port'])
  if (engine !== 'postgres' && engine !== 'mysql') throw new TypeError(`engine must be 'postgres' or 'mysql'`)
  if (host !== undefined && isIP(host) === 0)
    throw new TypeError(`host must be an IP address, such as 0.0.0.0, not '${host}'`)
  if (backend === undefined && options.backendUsers !== undefined)
    throw new TypeError('backendUsers is of no use without backend')
  return {
    engine,
    backend,
    backendUsers: options.backendUsers ?? {},
    port: checkPort('port', options.port),
    host,
    configuration: changeConfiguration(defaultConfiguration(), options),
    requireSlash: options.requireSlash ?? false,
    tls: options.tls ?? true,
    controlPort:
      control === false ? undefined : checkPort('control.port', control === true ? 0 : control.port),
    signal: options.signal,
  }
}

function checkPort(name: string, port = 0): number {
  if (!Number.isInteger(port) || port < 0 || port > 65_535)
    throw new TypeError(`${name} must be from 0 to 65535`)
  return port
}
