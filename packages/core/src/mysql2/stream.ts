import { lookup } from 'node:dns'
import { connect, isIP, type Socket } from 'node:net'
import type { Address } from '../address'
import type { RdsIamError } from '../errors'
import { readUser } from '../iam-options'
import type { Login } from '../login/login'
import type { LoginTarget } from '../login/login-target'
import type { Mysql2SslByCas } from './ssl'

/** What we use of the configuration that mysql2 hands to a `stream` function, one for each connection. */
export interface ConnectionConfig {
  host: string
  port: number
  user: string
  ssl: unknown
  stream: unknown
  enableKeepAlive?: boolean
  keepAliveInitialDelay?: number
}

const targets = new WeakMap<ConnectionConfig, LoginTarget>()

/** Finds what our `stream` found behind the address that a connection dials. */
export function targetOf(config: ConnectionConfig): LoginTarget | undefined {
  return targets.get(config)
}

/**
 * Ends a login with an error. mysql2 sets `fatal` on a socket's error and, during the TLS handshake, replaces its
 * `code`: give it a new error, so that `cause` stays as it is.
 */
export function failLogin(socket: Socket, cause: unknown): void {
  const { message, code } = cause as RdsIamError
  socket.destroy(Object.assign(new Error(message, { cause }), { code }))
}

/**
 * Makes mysql2's `stream` function: a socket that finds the endpoint behind the dialled address first, has
 * mysql2 verify the endpoint's name, and starts the token as soon as it dials, so that credentials
 * are fetched and the SDK is loaded while packets travel.
 */
export function createStream(login: Login, sslByCas: Mysql2SslByCas, dialled?: Address) {
  return ({ config }: { config: ConnectionConfig }): Socket => {
    const { host, port } = dialled ?? config

    async function findTarget(): Promise<LoginTarget> {
      const user = readUser(config.user, 'user')
      const target = await login.target({ host, port })
      targets.set(config, target)
      config.ssl = sslByCas.of(target)
      // mysql2 verifies the name of the `host` that it is configured with, so this becomes the endpoint's.
      // A pool before 3.16 connects again with this very object: its `stream` must dial the same address.
      config.host = target.endpoint.host
      config.stream = createStream(login, sslByCas, { host, port })
      socket.once('connectionAttempt', () => login.token(target, user).catch(fail))
      return target
    }
    function fail(error: unknown): void {
      failLogin(socket, error)
    }

    const socket: Socket = connect({
      // Node calls `lookup` for names only.
      host: isIP(host) ? 'localhost' : host,
      port,
      // While `lookup` runs, the socket is connecting: Node queues what mysql2 writes, and an `end()`.
      lookup: (_, options, callback) =>
        findTarget().then(({ dial }) => {
          // mysql2 may have given up meanwhile.
          if (!socket.destroyed) lookup(dial.host, options, callback)
        }, fail),
      noDelay: true,
      keepAlive: config.enableKeepAlive,
      keepAliveInitialDelay: config.keepAliveInitialDelay,
    })
    return socket
  }
}
