import { errorMonitor } from 'node:events'
import { invalidOption } from '../errors'
import type { Login, LoginAttempt } from '../login/login'
import { requireCertificateOf, requireTls } from '../tls/verify'
import { watchServer } from './server-watch'
import { diallingOf, type PgClient } from './stream'

/** Creates pg's `password` function. pg calls it once for each connection, after TLS, when the server requests it. */
export function createPassword(login: Login): () => Promise<string> {
  async function password(this: unknown): Promise<string> {
    const client = pgClient(this)
    try {
      return await tokenFor(client, login)
    } catch (error) {
      const { stream } = client.connection
      // The connection ended meanwhile, and pg has reported that. Do not reject: pg would call its callback a second
      // time. It does not write the password to a destroyed socket.
      if (stream.destroyed) return ''
      // When the password function rejects, pg reports the error but leaves the socket open.
      stream.destroy(error as Error)
      throw error
    }
  }
  // pg-native converts `password` to a string: without this it would send the function's source as the password.
  return Object.defineProperty(password, 'toString', {
    value() {
      throw invalidOption('client', 'pg-native cannot log in by IAM: use pg itself')
    },
  }) as () => Promise<string>
}

async function tokenFor(client: PgClient, login: Login): Promise<string> {
  const { connection } = client
  const dialling = diallingOf(connection)
  const target = dialling?.target ?? (await login.target(client))
  requireTls(connection.stream)
  if (!dialling?.verified)
    requireCertificateOf(target.endpoint.host, connection.stream, login.ssl.checkServerIdentity)

  const { connection: server } = target
  if (server) watchServer(client, server)
  const attempt = await login.attempt(target, client.user)
  // A replication stream may be silent for long.
  if (server) server.isWaiting = () => client.readyForQuery !== true && !client.replication
  watch(client, attempt)
  return attempt.token.value
}

function watch(client: PgClient, attempt: LoginAttempt): void {
  const { connection } = client
  const onError = (error: { code?: string }): void => {
    if (attempt.isRefusal(error.code)) attempt.refused(error)
  }
  connection.prependOnceListener('errorMessage', onError)
  connection.once('authenticationOk', () => connection.off('errorMessage', onError))
  // Use errorMonitor: an 'error' listener would hide the lost connection of a Client without its own listener.
  client.once('connect', () => client.once(errorMonitor, (error) => attempt.lost(error)))
}

function pgClient(caller: unknown): PgClient {
  const { connection } = (caller ?? {}) as Partial<PgClient>
  if (connection?.stream) return caller as PgClient
  throw invalidOption(
    'password',
    "only pg's Client can call this function. If your library calls it, as MikroORM 6 does, give it " +
      '`() => ({ password })` instead; for a token as text use createTokenProvider()',
  )
}
