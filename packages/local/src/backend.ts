import { readFileSync } from 'node:fs'
import { connect, isIP, type Socket } from 'node:net'
import { connect as connectTls, type TLSSocket } from 'node:tls'
import type { Engine } from './defaults'

/** The user and password of a session behind the endpoint. */
export interface BackendLogin {
  /** User of the real database. */
  user: string
  /** Its password. Default: none. */
  password?: string
}

/** A real database: its address and its logins. */
export interface Backend {
  /** Host name or IP address. */
  host: string
  /** TCP port. */
  port: number
  /** Path of a Unix-domain socket to connect to instead of host and port. */
  socketPath?: string | undefined
  /** CA certificates in PEM; TLS is used if and only if they are given. */
  ca?: string | undefined
  /** Database that the URL names, possibly empty. */
  database: string
  /** Login for users of the endpoint without an entry in `logins`. */
  login: BackendLogin
  /** Logins by user of the endpoint. */
  logins: Readonly<Record<string, BackendLogin>>
  /** Whether the server blocks hosts that drop handshakes, as a MySQL that was not started here does. */
  countsDroppedLogins: boolean
}

const SCHEMES: Record<Engine, readonly string[]> = {
  postgres: ['postgresql:', 'postgres:'],
  mysql: ['mysql:', 'mariadb:'],
  dsql: ['postgresql:', 'postgres:'],
}

/** Default port of each engine. */
export const DEFAULT_PORTS: Record<Engine, number> = { postgres: 5432, mysql: 3306, dsql: 5432 }

/**
 * Reads a backend's URL: `socket` is the path of a Unix-domain socket, and the file that `ssl-ca` names is read.
 *
 * @throws {TypeError} when it is not a URL of the engine. The message never contains the URL, which has a password.
 */
export function parseBackendUrl(
  engine: Engine,
  url: string,
  logins: Readonly<Record<string, BackendLogin>> = {},
): Backend {
  const scheme = SCHEMES[engine][0]
  if (!URL.canParse(url))
    throw new TypeError(`backend is not a URL: ${scheme}//user:password@host:port/database`)
  const parsed = new URL(url)
  if (!SCHEMES[engine].includes(parsed.protocol))
    throw new TypeError(
      `backend must begin with ${scheme}// for engine '${engine}', not ${parsed.protocol}//`,
    )
  if (parsed.hostname === '') throw new TypeError('backend has no host')
  for (const name of parsed.searchParams.keys())
    if (name !== 'ssl-ca' && name !== 'socket')
      throw new TypeError(`backend has the unknown parameter ${name}; ssl-ca and socket are known`)
  const caFile = parsed.searchParams.get('ssl-ca')
  return {
    host: decodeURIComponent(parsed.hostname).replace(/^\[|\]$/g, ''),
    port: parsed.port === '' ? DEFAULT_PORTS[engine] : Number(parsed.port),
    socketPath: parsed.searchParams.get('socket') ?? undefined,
    ca: caFile === null ? undefined : readFileSync(caFile, 'utf8'),
    database: decodeURIComponent(parsed.pathname.slice(1)),
    login: {
      user: decodeURIComponent(parsed.username) || (engine === 'mysql' ? 'root' : 'postgres'),
      password: decodeURIComponent(parsed.password),
    },
    logins,
    countsDroppedLogins: engine === 'mysql',
  }
}

/** Returns the backend's login for a user of the endpoint. */
export function backendLogin(backend: Backend, user: string): BackendLogin {
  return Object.hasOwn(backend.logins, user) ? (backend.logins[user] ?? backend.login) : backend.login
}

/** Opens a connection to the backend. */
export function connectBackend(backend: Backend): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const { host, port, socketPath } = backend
    const place = socketPath === undefined ? { host, port, noDelay: true } : { path: socketPath }
    const socket = connect({ ...place, allowHalfOpen: true })
    socket.once('error', reject)
    socket.once('connect', () => {
      socket.off('error', reject)
      socket.on('error', () => {}) // its 'close' follows
      resolve(socket)
    })
  })
}

/** Starts TLS on a connection to the backend, and verifies chain and host name. */
export function secureBackend(socket: Socket, { host, ca }: Backend): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const secure = connectTls({
      socket,
      host,
      ca: ca ?? [],
      rejectUnauthorized: true,
      servername: isIP(host) === 0 ? host : undefined,
    })
    secure.on('error', reject)
    secure.once('secureConnect', () => resolve(secure))
  })
}
