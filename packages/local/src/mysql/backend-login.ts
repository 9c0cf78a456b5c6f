import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { secureBackend, type Backend, type BackendLogin } from '../backend'
import { ProtocolError } from '../byte-reader'
import type { Greeting } from './greeting'
import {
  encodeHandshakeResponse,
  plainResponse,
  responseHead,
  type HandshakeResponse,
} from './handshake-response'
import { CAPABILITIES, COMMANDS, encodePacket, MARKERS, parseAuthSwitch, readPacket } from './packets'
import { answerChallenge, encryptPassword } from './password-plugins'

const QUIT_TIME_MS = 5_000

/** A connection to the backend after its response to the login. */
export interface BackendSession {
  /** The connection, with TLS where it is configured. */
  stream: Duplex
  /** The backend's last packet: OK or ERR. */
  answer: Buffer
}

/** Whether the backend's response to a login is an OK packet. */
export function isOk(answer: Buffer): boolean {
  return answer[0] === MARKERS.ok
}

/**
 * Logs in to the backend's user with the rest of the client's handshake response.
 *
 * @throws {ProtocolError} when the backend requests something unknown, or the connection breaks.
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
 * Responds to the backend's authentication requests until it accepts or refuses the login. A cleartext password is sent
 * only over an encrypted connection.
 *
 * @returns the payload of its OK or ERR packet.
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
      throw new ProtocolError('the backend sent an unknown authentication request')
    } else if (payload.length === 2 && detail === 4) {
      if (encrypted) reply(Buffer.from(`${password}\0`))
      else reply(Buffer.from([2])) // requests the public key
    } else if (payload.length > 2) reply(encryptPassword(password, challenge.data, payload.subarray(1)))
    // The remaining case is 3: the server had cached the password's hash, and OK follows.
  }
}

/**
 * Closes a connection to the backend before a login.
 *
 * A MySQL server counts connections that are dropped during the handshake, and blocks a host with too many of them
 * (`max_connect_errors`). So this logs in as the backend's own user, and quits.
 */
export function quitBackend(upstream: Socket, greeting: Greeting, backend: Backend): void {
  if (!backend.countsDroppedLogins || upstream.destroyed) {
    upstream.destroy()
    return
  }
  AbortSignal.timeout(QUIT_TIME_MS).addEventListener('abort', () => upstream.destroy())
  logInToBackend(upstream, greeting, plainResponse(), backend, backend.login).then(
    ({ stream }) => stream.end(encodePacket(0, Buffer.from([COMMANDS.quit]))).resume(),
    () => upstream.destroy(),
  )
}
