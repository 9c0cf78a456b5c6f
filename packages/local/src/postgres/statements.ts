import { connectBackend } from '../backend'
import { logInToBackend } from './backend-login'
import { encodeMessage, errorFields, readMessage } from './messages'

/** The server and the user that statements run as. */
export interface StatementTarget {
  /** Host name or IP address. */
  host: string
  /** TCP port. */
  port: number
  /** User of the database. */
  user: string
  /** Its password. */
  password: string
  /** Database to run them in. */
  database: string
}

/**
 * Runs statements one after the other in a session of their own; their results are thrown away.
 *
 * @throws {Error} with the server's message when the login or a statement fails.
 */
export async function runStatements(target: StatementTarget, statements: readonly string[]): Promise<void> {
  const { host, port, user, password, database } = target
  const login = { user, password }
  const socket = await connectBackend({ host, port, database, login, logins: {}, countsDroppedLogins: false })
  try {
    const startup = { version: 196_608, parameters: [['database', database] as [string, string]] }
    const { accepted, messages } = await logInToBackend(socket, startup, login)
    if (!accepted) throw new Error(`the login failed: ${errorFields(messages.subarray(5)).get('M')}`)
    for (let next = 0; ;) {
      const { type, body } = await readMessage(socket)
      // Do not print the statement: it may contain a password.
      if (type === 'E') throw new Error(`a statement failed: ${errorFields(body).get('M')}`)
      if (type !== 'Z') continue
      const statement = statements[next++]
      if (statement === undefined) break
      socket.write(encodeMessage('Q', `${statement}\0`))
    }
  } finally {
    socket.end(encodeMessage('X'))
    socket.resume()
  }
}
