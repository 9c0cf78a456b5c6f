import { errorMonitor, type EventEmitter } from 'node:events'
import { invalidOption } from '../errors'
import type { Login, LoginAttempt } from '../login/login'
import { requireCertificateOf, requireTls } from '../tls/verify'
import { diallingOf } from './stream'

/** What we use of a pg Client, which calls the password function as its method. */
interface PgClient extends EventEmitter {
  host: string
  port: number
  user: string
  connection: EventEmitter & { stream: { destroyed: boolean; destroy(error: Error): void }; ssl?: unknown }
}

/** SQLSTATE class 28: invalid authorization specification. */
const REFUSED = /^28/

/** Makes pg's `password` function: called once for each connection, after TLS, when the server asks. */
export function createPassword(login: Login): () => Promise<string> {
  async function password(this: unknown): Promise<string> {
    const client = pgClient(this)
    try {
      return await tokenFor(client, login)
    } catch (error) {
      const { stream } = client.connection
      // The connection ended meanwhile. pg has reported that, and would call its callback a second time if we
      // rejected. It writes no password to a destroyed socket.
      if (stream.destroyed) return ''
      // pg reports a password function that rejects, and leaves its socket open.
      stream.destroy(error as Error)
      throw error
    }
  }
  // pg-native puts the text of whatever it finds into a connection string: that would be sent as the password.
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

  const attempt = await login.attempt(target, client.user)
  watch(client, attempt)
  return attempt.token.value
}

function watch(client: PgClient, attempt: LoginAttempt): void {
  const { connection } = client
  const onError = (error: { code?: string }): void => {
    if (REFUSED.test(error.code ?? '')) attempt.refused(error)
  }
  connection.prependOnceListener('errorMessage', onError)
  connection.once('authenticationOk', () => connection.off('errorMessage', onError))
  // Only look at the error: a listener for 'error' would keep a lone Client's loss from the application.
  client.once('connect', () => client.once(errorMonitor, (error) => attempt.lost(error)))
}

function pgClient(caller: unknown): PgClient {
  const { connection } = (caller ?? {}) as Partial<PgClient>
  if (connection?.stream) return caller as PgClient
  throw invalidOption('password', "this function is for pg's Client, which calls it as its method")
}
