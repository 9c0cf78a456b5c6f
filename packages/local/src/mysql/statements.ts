import { connectBackend, type Backend } from '../backend'
import { COM_QUIT, isOk, logInToBackend } from './backend-login'
import { parseGreeting } from './greeting'
import { plainResponse } from './handshake-response'
import { encodePacket, readPacket } from './packets'

const COM_QUERY = 3

/**
 * Runs statements without results one after the other, in a session of the backend's own user.
 *
 * @throws {Error} with the server's message when the login or a statement fails.
 */
export async function runStatements(backend: Backend, statements: readonly string[]): Promise<void> {
  const socket = await connectBackend(backend)
  try {
    const greeting = parseGreeting((await readPacket(socket)).payload)
    const { stream, answer } = await logInToBackend(socket, greeting, plainResponse(), backend, backend.login)
    check('the login', answer)
    for (const statement of statements) {
      stream.write(encodePacket(0, Buffer.from([COM_QUERY]), statement))
      check('a statement', (await readPacket(stream)).payload)
    }
    stream.write(encodePacket(0, Buffer.from([COM_QUIT])))
  } finally {
    socket.end()
    socket.resume()
  }
}

function check(what: string, answer: Buffer): void {
  // The message follows code and state. Do not print the statement: it may contain a password.
  if (!isOk(answer)) throw new Error(`${what} failed: ${answer.toString('utf8', 9)}`)
}
