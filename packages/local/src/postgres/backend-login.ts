import { createHash } from 'node:crypto'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { secureBackend, type Backend, type BackendLogin } from '../backend'
import { ProtocolError, readBytes } from '../byte-reader'
import {
  encodeMessage,
  encodeStartup,
  int32,
  readMessage,
  REQUEST_CODES,
  withStartupParameters,
  type Startup,
} from './messages'
import { startScram } from './scram'

/** The backend's response to a login. */
export interface BackendAnswer {
  /** Whether the login was accepted. */
  accepted: boolean
  /** Messages for the client: AuthenticationOk or an ErrorResponse, and what came before it. */
  messages: Buffer
}

/** Starts TLS on a new connection to the backend, if it is configured. */
export async function secureIfConfigured(socket: Socket, backend: Backend): Promise<Duplex> {
  if (backend.ca === undefined) return socket
  socket.write(Buffer.concat([int32(8), int32(REQUEST_CODES.ssl)]))
  const answer = await readBytes(socket, 1)
  if (answer.toString('latin1') !== 'S') throw new ProtocolError('the backend offers no TLS')
  return secureBackend(socket, backend)
}

/**
 * Logs in to the backend with the client's startup message and the backend's user.
 *
 * Reads nothing after AuthenticationOk. Supports trust, cleartext, MD5 and SCRAM-SHA-256.
 * @throws {ProtocolError} when the backend requests something else, or the connection breaks.
 */
export async function logInToBackend(
  stream: Duplex,
  startup: Startup,
  login: BackendLogin,
): Promise<BackendAnswer> {
  stream.write(encodeStartup(withStartupParameters(startup, { user: login.user })))
  const password = login.password ?? ''
  const scram = startScram(password)
  const passed: Buffer[] = []
  for (;;) {
    const { type, body } = await readMessage(stream)
    if (type !== 'R') {
      // An error ends the login; a notice or a NegotiateProtocolVersion is for the client.
      passed.push(encodeMessage(type, body))
      if (type === 'E') return { accepted: false, messages: Buffer.concat(passed) }
      continue
    }
    const code = body.length < 4 ? -1 : body.readUInt32BE(0)
    const rest = body.subarray(4)
    if (code === 0) return { accepted: true, messages: Buffer.concat([...passed, encodeMessage(type, body)]) }
    if (code === 3) stream.write(encodeMessage('p', `${password}\0`))
    else if (code === 5) stream.write(encodeMessage('p', `${md5Password(login.user, password, rest)}\0`))
    else if (code === 10) {
      if (!rest.toString('latin1').split('\0').includes('SCRAM-SHA-256'))
        throw new ProtocolError('the backend offers no SCRAM-SHA-256')
      stream.write(encodeMessage('p', 'SCRAM-SHA-256\0', int32(scram.first.length), scram.first))
    } else if (code === 11) stream.write(encodeMessage('p', await scram.final(rest.toString('utf8'))))
    else if (code === 12) scram.verify(rest.toString('utf8'))
    else throw new ProtocolError(`the backend asks for authentication method ${code}`)
  }
}

function md5Password(user: string, password: string, salt: Buffer): string {
  const inner = createHash('md5')
    .update(password + user)
    .digest('hex')
  return `md5${createHash('md5').update(inner).update(salt).digest('hex')}`
}
