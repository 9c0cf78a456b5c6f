import type { BackendLogin } from './backend'
import { DEFAULT_ENDPOINTS, DEFAULT_REGION, DEFAULT_USERS } from './defaults'
import type { Engine } from './engine'
import { createIdentity, type TestIdentity } from './iam/identity'
import type { AcceptedEndpoint } from './iam/verify-token'

/** How a local endpoint is started. */
export interface LocalRdsOptions {
  /** Engine of the database. Default `'postgres'`. */
  engine?: Engine
  /**
   * URL of the database behind the endpoint, `postgresql://user:password@host:port/database` or `mysql://…`;
   * `?ssl-ca=FILE` makes the endpoint use TLS to it, and trust the certificates in the file.
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
   * Names that tokens may be signed for and that the certificate covers, `host` or `host:port`. A name without a port
   * stands for the listening port and for the engine's default port. Default `['localhost', '127.0.0.1']`, which a
   * given list replaces.
   */
  endpoints?: readonly string[]
  /** Region that tokens must be signed for. Default `'us-east-1'`. */
  region?: string
  /** Database users that exist. Default `['jane_doe']`. */
  users?: readonly string[]
  /** Identities that exist. Default: one with a random key, that may be any user. */
  identities?: readonly TestIdentity[]
  /** Whether tokens without `/` before `?` are refused, as some Aurora clusters do. Default false. */
  requireSlash?: boolean
  /**
   * Whether TLS is offered, and then required. Default true; false makes a server that offers none and still asks for
   * the token, to see that a client does not send it.
   */
  tls?: boolean
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
  /** Names of the endpoint. */
  endpoints: readonly EndpointName[]
  /** Region that tokens must be signed for. */
  region: string
  /** Database users, at least one. */
  users: readonly [string, ...string[]]
  /** Identities. */
  identities: readonly TestIdentity[]
  /** Whether tokens need their slash. */
  requireSlash: boolean
  /** Whether TLS is offered. */
  tls: boolean
}

/** A name of the endpoint, taken apart. */
export interface EndpointName {
  /** Host in lower case; an IPv6 address in brackets. */
  host: string
  /** Port, if one is given. */
  port?: number
}

/** @throws {TypeError} with the name of the option that is wrong. */
export function resolveOptions(options: LocalRdsOptions): ResolvedOptions {
  const { engine = 'postgres', backend, port = 0, region = DEFAULT_REGION } = options
  const { endpoints = DEFAULT_ENDPOINTS, users = DEFAULT_USERS } = options
  const [user, ...others] = users
  if (engine !== 'postgres' && engine !== 'mysql') throw new TypeError(`engine must be 'postgres' or 'mysql'`)
  if (!Number.isInteger(port) || port < 0 || port > 65_535)
    throw new TypeError('port must be from 0 to 65535')
  if (!/^[a-z0-9-]+$/.test(region)) throw new TypeError(`region '${region}' is not the name of a region`)
  if (user === undefined || users.includes(''))
    throw new TypeError('users must be a list of names, with one at least')
  if (endpoints.length === 0) throw new TypeError('endpoints must have one name at least')
  if (backend === undefined && options.backendUsers !== undefined)
    throw new TypeError('backendUsers is of no use without backend')
  return {
    engine,
    backend,
    backendUsers: options.backendUsers ?? {},
    port,
    endpoints: endpoints.map(parseEndpointName),
    region,
    users: [user, ...others],
    identities: checkIdentities(options.identities ?? [createIdentity()]),
    requireSlash: options.requireSlash ?? false,
    tls: options.tls ?? true,
  }
}

/**
 * Gives a copy of the identities.
 *
 * @throws {TypeError} when one of them could not sign a token.
 */
export function checkIdentities(identities: readonly TestIdentity[]): TestIdentity[] {
  for (const { accessKeyId, secretAccessKey } of identities) {
    if (!/^\w{1,128}$/.test(accessKeyId))
      throw new TypeError('identities: an accessKeyId is not letters and digits')
    if (secretAccessKey === '') throw new TypeError(`identities: ${accessKeyId} has no secretAccessKey`)
  }
  return identities.map((identity) => ({ ...identity }))
}

const ENDPOINT = /^(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::(\d{1,5}))?$/

/** @throws {TypeError} when the text is neither `host` nor `host:port`. */
export function parseEndpointName(text: string): EndpointName {
  const match = ENDPOINT.exec(text.toLowerCase())
  const [, host = '', port] = match ?? []
  if (match === null || Number(port ?? 0) > 65_535)
    throw new TypeError(`endpoints: '${text}' is neither a host nor host:port`)
  return port === undefined ? { host } : { host, port: Number(port) }
}

/** Says which ports a token may name together with the endpoint's host. */
export function acceptedEndpoint(
  { host, port }: EndpointName,
  listening: number,
  standard: number,
): AcceptedEndpoint {
  return { host, ports: port === undefined ? [...new Set([listening, standard])] : [port] }
}
