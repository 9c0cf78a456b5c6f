import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { secureBackend, type Backend, type BackendLogin } from '../backend'
import { ProtocolError } from '../byte-reader'
import type { Greeting } from './greeting'
import { encodeHandshakeResponse, responseHead, type HandshakeResponse } from './handshake-response'
import { CAPABILITIES, encodePacket, MARKERS, parseAuthSwitch, readPacket } from './packets'
import { answerChallenge, encryptPassword } from './password-plugins'

/** A connection to the backend after its login was answered. */
export interface BackendSession {
  /** The connection, with TLS where it is configured. */
  stream: Duplex
  /** The backend's last packet: OK or ERR. */
  answer: Buffer
}

/** Tells whether the backend's answer to a login is an OK packet. */
export function isOk(answer: Buffer): boolean {
  return answer[0] === MARKERS.ok
}

/**
 * Logs in to the backend with the client's own answer to its greeting and the backend's user.
 *
 * @throws {ProtocolError} when the backend asks for something that is not known, or breaks off.
 */
export async function logInToBackend(
  socket: Socket,
  greeting: Greeting,
  response: HandshakeResponse,
  backend: Backend,
  login: BackendLogin,
): Promise<BackendSession> {
  const password = login.password ?? ''
  const useTls = backend.ca !== undefined
  if (useTls && (greeting.capabilities & CAPABILITIES.ssl) === 0)
    throw new ProtocolError('the backend offers no TLS')
  const capabilities = useTls
    ? response.capabilities | CAPABILITIES.ssl
    : response.capabilities & ~CAPABILITIES.ssl
  const wanted = { ...response, capabilities, user: Buffer.from(login.user), plugin: greeting.plugin }
  let sequence = 1
  let stream: Duplex = socket
  if (useTls) {
    socket.write(encodePacket(sequence++, responseHead(wanted)))
    stream = await secureBackend(socket, backend)
  }
  const known = ['mysql_native_password', 'caching_sha2_password'].includes(greeting.plugin)
  const auth = known ? answerChallenge(greeting.plugin, password, greeting.scramble, useTls) : Buffer.alloc(0)
  stream.write(encodePacket(sequence, encodeHandshakeResponse({ ...wanted, auth })))
  return {
    stream,
    answer: await answerBackend(stream, password, { ...greeting, encrypted: useTls }),
  }
}

/**
 * Answers what the backend asks until it decides on the login; some of it only when the connection is encrypted.
 *
 * @returns the contents of its OK or ERR packet.
 */
export async function answerBackend(
  stream: Duplex,
  password: string,
  { scramble, plugin, encrypted }: Pick<Greeting, 'scramble' | 'plugin'> & { encrypted: boolean },
): Promise<Buffer> {
  let challenge = { plugin, data: scramble }
  for (;;) {
    const { sequence, payload } = await readPacket(stream)
    const reply = (answer: Buffer): void => {
      stream.write(encodePacket(sequence + 1, answer))
    }
    const [marker, detail] = payload
    if (marker === MARKERS.ok || marker === MARKERS.error) return payload
    if (marker === MARKERS.authSwitch) {
      challenge = parseAuthSwitch(payload)
      reply(answerChallenge(challenge.plugin, password, challenge.data, encrypted))
    } else if (marker !== MARKERS.moreData || challenge.plugin !== 'caching_sha2_password') {
      throw new ProtocolError('the backend asks something unknown at login')
    } else if (payload.length === 2 && detail === 4) {
      if (encrypted) reply(Buffer.from(`${password}\0`))
      else reply(Buffer.from([2])) // asks for the public key
    } else if (payload.length > 2) reply(encryptPassword(password, challenge.data, payload.subarray(1)))
    // What is left is 3: the server knew the password's hash, and OK follows.
  }
}
