import { MISSING_HOST, readHost, readPort, type Address } from '../address'
import { invalidOption } from '../errors'
import { readIamOptions, readUser, type IamSettings } from '../iam-options'
import { readSslOption, type SslOptions } from '../tls/ssl-option'
import { Login } from './login'
import { checkEndpoint, checkEngine, DEFAULT_PORTS, type Engine } from './login-target'

/** How one driver names its options. */
export interface DriverOptionNames {
  engine: Engine
  /** Options that hold a password. */
  passwords: readonly string[]
  /** The option for a Unix-domain socket. */
  socketPath?: string
  /** The option for the caller's own function that dials. */
  dial: 'stream' | 'socket'
  /** Reads the `host` option. Default: one host name. */
  readHosts?: (hosts: unknown, port: number) => Address[]
}

/** The checked login options of a driver configuration. */
export interface LoginOptions {
  /** The addresses to dial. Only postgres.js accepts more than one. */
  addresses: [Address, ...Address[]]
  user: string
  iam: IamSettings
  ssl: SslOptions
  engine: Engine
}

/**
 * Reads the login options that all drivers have in common.
 *
 * @throws {RdsIamError} `INVALID_OPTION`, `TLS_REQUIRED`
 */
export function readLoginOptions(
  options: Record<string, unknown>,
  iamOption: unknown,
  { engine, passwords, socketPath, dial, readHosts = readOneHost }: DriverOptionNames,
): LoginOptions {
  const iam = readIamOptions(iamOption)
  const password = passwords.find((name) => options[name])
  if (password) throw invalidOption(password, 'an IAM login has no password: leave it out')
  if (socketPath && options[socketPath]) throw invalidOption(socketPath, 'IAM logins need TLS over TCP')
  const ssl = readSslOption(options['ssl'])
  const port = readPort(options['port'] ?? DEFAULT_PORTS[engine], 'port')
  const host = options['host'] ?? ''
  const addresses = (host === '' ? [{ host: MISSING_HOST, port }] : readHosts(host, port)) as [
    Address,
    ...Address[],
  ]
  const user = readUser(options['user'], 'user')
  if (options[dial] !== undefined) {
    const refused = iam.followCname ? 'iam.followCname' : iam.target && 'iam.target'
    if (refused) throw invalidOption(refused, `not together with ${dial}, which chooses the address itself`)
    iam.target = 'any'
  }
  return { addresses, user, iam, ssl, engine }
}

/**
 * Creates the login of a driver configuration.
 *
 * @throws {RdsIamError} `ENDPOINT_UNKNOWN`, `INVALID_OPTION`
 */
export function createLogin({ addresses, iam, ssl, engine }: LoginOptions): Login {
  if (iam.endpoint) checkEngine(iam.endpoint.host, engine, 'iam.endpoint')
  for (const { host } of addresses) if (host !== MISSING_HOST) checkEndpoint(host, iam, engine)
  return new Login(iam, ssl, engine)
}

/** Checks that a configuration function got an object. */
export function expectOptions(name: string, options: unknown): asserts options is Record<string, unknown> {
  if (typeof options !== 'object' || options === null) throw invalidOption(name, 'give an object')
}

function readOneHost(host: unknown, port: number): Address[] {
  return [{ host: readHost(host, 'host'), port }]
}
