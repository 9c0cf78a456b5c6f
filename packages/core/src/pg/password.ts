import type { EventEmitter } from 'node:events'
import { invalidOption } from '../errors'
import { publish } from '../events'
import { checkHost, readPort, checkUser } from '../iam-options'
import type { IamLogin } from '../login/iam-login'
import { requireCertificateOf, requireTls } from '../tls/verify'
import { attemptOf } from './stream'

/** What we use of a pg Client, which calls the password function as its method. */
interface PgClient extends EventEmitter {
  host: string
  port: number
  user: string
  connection: EventEmitter & { stream: { destroy(error: Error): void }; ssl?: unknown }
}

/** SQLSTATE class 28: invalid authorization specification. */
const REFUSED = /^28/

/** Makes pg's `password` function: called once for each connection, after TLS, when the server asks. */
export function createPassword(login: IamLogin): () => Promise<string> {
  async function password(this: unknown): Promise<string> {
    const client = pgClient(this)
    try {
      return await tokenFor(client, login)
    } catch (error) {
      // pg reports a password function that rejects, and leaves its socket open.
      client.connection.stream.destroy(error as Error)
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

async function tokenFor(client: PgClient, login: IamLogin): Promise<string> {
  const { connection } = client
  const dialled = { host: checkHost(client.host, 'host'), port: readPort(client.port, 'port') }
  const user = checkUser(client.user, 'user')
  const attempt = attemptOf(connection)
  const target = attempt?.target ?? (await login.target(dialled))
  requireTls(connection.stream)
  if (!attempt?.verified)
    requireCertificateOf(target.endpoint.host, connection.stream, login.ssl.checkServerIdentity)

  const token = await login.token(target, user)
  watch(client, {
    refused: (error) => login.refused(target, user, token, error),
    lost: (error) => publish('connection.lost', () => ({ endpoint: target.endpoint, user, error })),
  })
  return token.value
}

function watch(client: PgClient, on: { refused(error: unknown): Error; lost(error: unknown): void }): void {
  const { connection } = client
  const answered = (error: { code?: string }): void => {
    if (!REFUSED.test(error.code ?? '')) return
    Object.defineProperty(error, 'cause', { value: on.refused(error), configurable: true, writable: true })
  }
  connection.prependOnceListener('errorMessage', answered)
  connection.once('authenticationOk', () => connection.off('errorMessage', answered))
  // An idle connection that the server closes must not end the process of an application that does not listen.
  client.once('connect', () => client.on('error', on.lost))
}

function pgClient(caller: unknown): PgClient {
  const { connection } = (caller ?? {}) as Partial<PgClient>
  if (connection?.stream) return caller as PgClient
  throw invalidOption('password', "this function is for pg's Client, which calls it as its method")
}
