import type { EventEmitter } from 'node:events'
import { invalidOption } from '../errors'
import { publish } from '../events'
import { checkHost, readPort, checkUser, type Address } from '../iam-options'
import type { IamLogin } from '../login/iam-login'
import { requireCertificateOf, requireTls } from '../tls/verify'
import { verifiesName } from './ssl'
import { targetOf, type ConnectionConfig } from './stream'

/** A mysql2 authentication plugin. */
export type ClearPasswordPlugin = (login: {
  connection: unknown
  command: unknown
}) => (data: Buffer) => Promise<Buffer>

/** What we use of a mysql2 Connection. */
interface Connection extends EventEmitter {
  config: ConnectionConfig & { debug?: unknown }
  stream: { destroy(error: Error): void }
}

const ER_ACCESS_DENIED_ERROR = 1045

/**
 * Makes mysql2's `mysql_clear_password` plugin: called once for each connection, after TLS, when the server asks.
 * `dialled` is the address in the caller's options, where the connection's configuration has the endpoint's name instead.
 */
export function createClearPassword(login: IamLogin, dialled?: Address): ClearPasswordPlugin {
  return ({ connection, command }) => {
    const { config, stream } = connection as Connection
    return async () => {
      try {
        const token = await tokenFor(connection as Connection, command as EventEmitter, login, dialled)
        if (config.debug) throw invalidOption('debug', 'mysql2 would print the token')
        return Buffer.from(`${token}\0`)
      } catch (error) {
        // The error reaches the caller through the socket, as itself; mysql2 would change it and leave the socket open.
        stream.destroy(error as Error)
        return NOTHING_TO_SEND
      }
    }
  }
}

// mysql2 sends what is truthy.
const NOTHING_TO_SEND = undefined as unknown as Buffer

async function tokenFor(
  connection: Connection,
  command: EventEmitter,
  login: IamLogin,
  dialled?: Address,
): Promise<string> {
  const { config, stream } = connection
  const user = checkUser(config.user, 'user')
  const target =
    targetOf(config) ??
    (await login.target(
      dialled ?? { host: checkHost(config.host, 'host'), port: readPort(config.port, 'port') },
    ))
  requireTls(stream)
  const { checkServerIdentity } = login.ssl
  // In older versions a pool has one configuration for all, which another connection may have changed after this one's
  // TLS began: mysql2 is believed only where it has no certificate to show.
  const isVerified = stream.isSessionReused() && verifiesName(config, target.endpoint.host)
  if (checkServerIdentity || !isVerified)
    requireCertificateOf(target.endpoint.host, stream, checkServerIdentity)

  const token = await login.token(target, user)
  command.prependListener('error', (error: { errno?: number }) => {
    if (error.errno !== ER_ACCESS_DENIED_ERROR) return
    const cause = login.refused(target, user, token, error)
    Object.defineProperty(error, 'cause', { value: cause, configurable: true, writable: true })
  })
  watchLoss(connection, target.endpoint)
  return token.value
}

const watched = new WeakSet<Connection>()

// An idle connection that the server closes must not end the process of an application that does not listen.
function watchLoss(connection: Connection, endpoint: Address): void {
  // changeUser() logs in again, and never connects again.
  if (watched.has(connection)) return
  watched.add(connection)
  connection.once('connect', () =>
    connection.on('error', (error) =>
      publish('connection.lost', () => ({ endpoint, user: connection.config.user, error })),
    ),
  )
}
