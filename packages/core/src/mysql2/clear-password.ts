import { errorMonitor, type EventEmitter } from 'node:events'
import type { Address } from '../address'
import { invalidOption, isRdsIamError } from '../errors'
import type { Login, LoginAttempt } from '../login/login'
import { requireCertificateOf, requireTls } from '../tls/verify'
import { watchServer } from './server-watch'
import { verifiesName } from './ssl'
import { diallingOf, failSocket, type Connection } from './stream'

/** A mysql2 authentication plugin. */
export type ClearPasswordPlugin = (login: {
  connection: unknown
  command: unknown
}) => (data: Buffer) => Promise<Buffer>

const ER_ACCESS_DENIED_ERROR = 1045

/**
 * Creates mysql2's `mysql_clear_password` plugin. mysql2 calls it once for each connection, after the TLS handshake,
 * when the server requests a password. `dialled` is the caller's address, given when `host` in the connection's
 * configuration is the endpoint's name instead.
 */
export function createClearPassword(login: Login, dialled?: Address): ClearPasswordPlugin {
  return (attempt) => {
    const connection = attempt.connection as Connection
    const command = attempt.command as EventEmitter
    const { config, stream } = connection
    let isOver = false
    command.once('end', () => {
      isOver = true
    })
    return async () => {
      try {
        const token = await tokenFor(connection, command, login, dialled)
        // Send nothing if the login or the connection ended meanwhile: mysql2's write would emit an unhandled error.
        if (isOver || !stream.writable) return NOTHING_TO_SEND
        if (config.debug) throw invalidOption('debug', 'mysql2 would print the token')
        return Buffer.from(`${token}\0`)
      } catch (error) {
        // Do not throw: mysql2 would change the error and leave the socket open.
        failSocket(stream, error)
        return NOTHING_TO_SEND
      }
    }
  }
}

// mysql2 sends only a truthy value.
const NOTHING_TO_SEND = undefined as unknown as Buffer

async function tokenFor(
  connection: Connection,
  command: EventEmitter,
  login: Login,
  dialled?: Address,
): Promise<string> {
  const { config, stream } = connection
  const dialling = diallingOf(stream)
  const target = dialling?.target ?? (await login.target(dialled ?? config))
  requireTls(stream)
  const { checkServerIdentity } = login.ssl
  // Older mysql2 pools share one config object, so another connection may have changed `host` after our handshake.
  // Check the certificate again unless the TLS session was resumed.
  const isVerified = stream.isSessionReused() && verifiesName(config, target.endpoint.host)
  if (checkServerIdentity || !isVerified)
    requireCertificateOf(target.endpoint.host, stream, checkServerIdentity)

  const { connection: server } = target
  if (dialling) dialling.connection = connection
  // changeUser() logs in again on the same connection.
  const isFirst = !attempts.has(connection)
  // The server waits for us, until the token is sent.
  if (server && isFirst) server.isWaiting = () => false
  const attempt = await login.attempt(target, config.user)
  command.prependListener('error', (error: { errno?: number }) => {
    if (dialling) dialling.error = error
    if (error.errno === ER_ACCESS_DENIED_ERROR) attempt.refused(error)
  })
  if (isFirst) {
    watchLoss(connection)
    if (server) watchServer(connection, server)
  }
  attempts.set(connection, attempt)
  return attempt.token.value
}

/** The last login of each connection. */
const attempts = new WeakMap<Connection, LoginAttempt>()

function watchLoss(connection: Connection): void {
  connection.once(errorMonitor, (error: Error) => {
    // A connection that we closed is not lost.
    if (connection.authorized && !isRdsIamError(error.cause)) attempts.get(connection)?.lost(error)
    // mysql2's pool listens for one error of a connection only, and some lost connections emit two.
    if (connection.config.pool) connection.on('error', () => {})
  })
}
