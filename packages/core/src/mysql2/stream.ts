import { lookup } from 'node:dns'
import type { EventEmitter } from 'node:events'
import { isIP, Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import type { Address } from '../address'
import { findServer } from '../cluster/find-server'
import { openMysqlProbe } from '../cluster/mysql-probe'
import { invalidOption, type RdsIamError } from '../errors'
import { readUser } from '../iam-options'
import { KEEP_ALIVE_DELAY_MS } from '../login/keep-alive'
import type { Login } from '../login/login'
import { failedSocket, wrongDriver } from '../login/failed-socket'
import type { LoginTarget } from '../login/login-target'
import type { Mysql2SslByCas } from './ssl'

/** The properties of a connection's configuration that we use. mysql2 passes it to the `stream` function. */
export interface ConnectionConfig {
  host: string
  port: number
  user: string
  ssl: unknown
  stream: unknown
  connectTimeout?: number
  authPlugins?: { mysql_clear_password?: unknown }
  connectAttributes?: { _client_version?: string }
  enableKeepAlive?: boolean
  keepAliveInitialDelay?: number
}

/** The properties of a mysql2 Connection that we use. */
export interface Connection extends EventEmitter {
  config: ConnectionConfig & { debug?: unknown; pool?: unknown }
  stream: TLSSocket
  /** Whether the connection has logged in. */
  authorized: boolean
  /** Internal of mysql2 (tested: 3.15.0 to 3.24.6): the command that waits for an answer. */
  _command?: unknown
  /** Internal of mysql2 (tested: 3.15.0 to 3.24.6): whether the application has closed the connection. */
  _closing?: boolean
  destroy(): void
}

/** A connection that our `stream` opened. */
export interface Dialling {
  target: LoginTarget
  /** mysql2's connection. Known when the server requests the token. */
  connection?: Connection
  /** Why the login failed. */
  error?: unknown
}

/** By the addresses of the socket: mysql2 wraps it in a TLS socket, and older pools share one configuration. */
const diallings = new Map<string, Dialling>()

/** What our `stream` found for a connection. Undefined if the caller's own `stream` dialled. */
export function diallingOf(socket: Socket): Dialling | undefined {
  return diallings.get(addressesOf(socket))
}

function addressesOf({ localAddress, localPort, remoteAddress, remotePort }: Socket): string {
  return `${localAddress} ${localPort} ${remoteAddress} ${remotePort}`
}

/**
 * Closes a socket with an error. Wraps the error, because mysql2 sets `fatal` on a socket's error and, during the TLS
 * handshake, replaces its `code`.
 */
export function failSocket(socket: Socket, cause: unknown): void {
  const { message, code } = cause as RdsIamError
  socket.destroy(Object.assign(new Error(message, { cause }), { code }))
}

/** The oldest version of mysql2 that gives its TLS socket to an authentication plugin. */
const OLDEST = [3, 15] as const

/** Finds out whether the driver that called is not mysql2, is too old, or did not get our plugin. */
function problemOf(config: ConnectionConfig | undefined): Error | undefined {
  if (!config) return wrongDriver('mysql2Config', 'mysql2')
  // mysql2 before 3.6 does not tell its version.
  const version = config.connectAttributes?._client_version ?? 'before 3.6'
  const [major = 0, minor = 0] = version.split('.').map(Number)
  const isSupported = major > OLDEST[0] || (major === OLDEST[0] && minor >= OLDEST[1])
  if (!isSupported)
    return invalidOption('mysql2', `version ${OLDEST.join('.')} or later is needed, this is ${version}`)
  if (config.authPlugins?.mysql_clear_password) return undefined
  return invalidOption('authPlugins', 'missing: give mysql2 the `authPlugins` of mysql2Config() too')
}

/**
 * Creates mysql2's `stream` function. It returns a socket that first finds the endpoint behind the dialled address, and
 * makes mysql2 verify the endpoint's name. It requests the token while the socket connects, so that the credential
 * fetch and the loading of the SDK overlap with the network round trips.
 */
export function createStream(login: Login, sslByCas: Mysql2SslByCas, dialled?: Address) {
  return ({ config }: { config: ConnectionConfig }): Socket => {
    const unusable = problemOf(config)
    if (unusable) return failedSocket(unusable)
    const { host, port } = dialled ?? config

    async function findTarget(): Promise<LoginTarget> {
      const user = readUser(config.user, 'user')
      const target = await findServer(
        login,
        { host, port },
        { socket, user, limitMs: config.connectTimeout, openProbe: openMysqlProbe },
      )
      watch({ target })
      config.ssl = sslByCas.of(target)
      // mysql2 verifies the certificate against `host`, so set it to the endpoint's name. Older pools (3.20, not 3.24)
      // use this object for the next connection too: make its `stream` dial the same address.
      config.host = target.endpoint.host
      config.stream = createStream(login, sslByCas, { host, port })
      // mysql2 starts TLS when the greeting arrives. By then another connection may have changed a shared object.
      socket.prependListener('data', () => {
        config.host = target.endpoint.host
        config.ssl = sslByCas.of(target)
      })
      socket.once('connectionAttempt', () => login.token(target, user).catch(fail))
      return target
    }
    function fail(error: unknown): void {
      failSocket(socket, error)
    }
    function watch(dialling: Dialling): void {
      const { connection: server } = dialling.target
      let addresses = ''
      let isEndedByServer = false
      server?.watch(socket)
      socket.once('connect', () => diallings.set((addresses = addressesOf(socket)), dialling))
      socket.once('error', (error) => {
        dialling.error = error.cause ?? error
      })
      socket.once('end', () => {
        // Afterwards Node ends this side too.
        isEndedByServer = !socket.writableEnded
      })
      socket.once('close', () => {
        diallings.delete(addresses)
        const { connection, error } = dialling
        if (connection?.authorized) return
        // The application has ended the connection. (mysql2's time limit destroys the socket first: it never finishes.)
        // During the TLS handshake this looks as if TLS had failed.
        if (socket.writableFinished && !isEndedByServer) return
        if (connection?._closing && !error) return
        server?.failed(error ?? new Error('the server closed the connection'))
      })
    }

    const { enableKeepAlive, keepAliveInitialDelay = KEEP_ALIVE_DELAY_MS } = config
    const socket = new Socket().setNoDelay(true).setKeepAlive(enableKeepAlive, keepAliveInitialDelay)
    return socket.connect({
      // Node calls `lookup` only for a name, not for an IP address.
      host: isIP(host) ? 'localhost' : host,
      port,
      // While `lookup` runs, the socket counts as connecting: Node queues mysql2's writes and its `end()`.
      lookup: (_, options, callback) =>
        findTarget().then(({ dial }) => {
          // mysql2 may have destroyed the socket meanwhile.
          if (!socket.destroyed) lookup(dial.host, options, callback)
        }, fail),
    })
  }
}
