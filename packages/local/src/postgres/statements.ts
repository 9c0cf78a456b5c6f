import { connectBackend, type Backend } from '../backend'
import { logInToBackend } from './backend-login'
import { encodeMessage, errorFields, readMessage } from './messages'

/**
 * Runs statements in a session of the backend's own user, without TLS: `query` runs one, and returns the rows of its
 * result as text.
 *
 * @throws {Error} with the server's message when the login or a statement fails.
 */
export async function withSession<T>(
  backend: Backend,
  work: (query: (statement: string) => Promise<string[][]>) => Promise<T>,
): Promise<T> {
  const { database, login } = backend
  const socket = await connectBackend(backend)
  /** Reads messages until the server is ready for the next statement. */
  const readRows = async (): Promise<string[][]> => {
    const rows: string[][] = []
    for (;;) {
      const { type, body } = await readMessage(socket)
      // Do not print the statement: it may contain a password.
      if (type === 'E') throw new Error(`a statement failed: ${errorFields(body).get('M')}`)
      if (type === 'D') rows.push(dataRow(body))
      if (type === 'Z') return rows
    }
  }
  try {
    const startup = { version: 196_608, parameters: [['database', database] as [string, string]] }
    const { accepted, messages } = await logInToBackend(socket, startup, login)
    if (!accepted) throw new Error(`the login failed: ${errorFields(messages.subarray(5)).get('M')}`)
    await readRows()
    return await work((statement) => {
      socket.write(encodeMessage('Q', `${statement}\0`))
      return readRows()
    })
  } finally {
    socket.end(encodeMessage('X'))
    socket.resume()
  }
}

/** Runs statements one after the other in a session of their own, as {@link withSession} does. */
export function runStatements(backend: Backend, statements: readonly string[]): Promise<void> {
  return withSession(backend, async (query) => {
    for (const statement of statements) await query(statement)
  })
}

/** Reads the values of a DataRow; null is ''. */
function dataRow(body: Buffer): string[] {
  const values: string[] = []
  let position = 2
  for (let left = body.readUInt16BE(0); left > 0; left--) {
    const size = Math.max(0, body.readInt32BE(position))
    values.push(body.toString('utf8', position + 4, position + 4 + size))
    position += 4 + size
  }
  return values
}
