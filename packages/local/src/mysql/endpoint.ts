import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { backendLogin } from '../backend'
import { closeGently } from '../relay'
import type { LoginContext } from '../login'
import { acceptTls } from '../tls-server'
import { isOk, logInToBackend, quitBackend } from './backend-login'
import { greetingForClient, parseGreeting, type Greeting } from './greeting'
import { parseHandshakeResponse, RESPONSE_HEAD, type HandshakeResponse } from './handshake-response'
import { CAPABILITIES, encodePacket, errorPacket, MARKERS, readPacket, withoutCompression } from './packets'
import { relaySession } from './session'
import { accessDenied, failurePacket, receiveToken } from './token-exchange'

/** Serves a MySQL client: passes on the backend's greeting, requires TLS and a token, and relays the session. */
export async function serveMysql(client: Socket, context: LoginContext): Promise<void> {
  const opened = await openUpstream(context)
  if ('refusal' in opened) return closeGently(client, opened.refusal)
  const { upstream, greeting } = opened
  const { backend, secureContext } = context
  let loggedIn = false
  const quit = (): void => (loggedIn ? void upstream.destroy() : quitBackend(upstream, greeting, backend))
  client.once('close', quit)
  if (client.destroyed) return quit()

  client.write(encodePacket(0, greetingForClient(greeting, secureContext !== undefined)))
  const { stream, sequence, response: wanted } = await readResponse(client, context)
  // Some clients ask for compression although it was not offered.
  const response = { ...wanted, capabilities: withoutCompression(wanted.capabilities) }
  const user = response.user.toString('utf8')
  if (secureContext !== undefined && stream === client) {
    context.recordRefusal(user, 'TLS_REQUIRED', 'the login came without TLS')
    const message = 'Connections using insecure transport are prohibited while --require_secure_transport=ON.'
    return closeGently(stream, errorPacket(sequence + 1, 3159, 'HY000', message))
  }
  if ((response.capabilities & CAPABILITIES.pluginAuth) === 0) {
    const message =
      'Client does not support authentication protocol requested by server; consider upgrading MySQL client'
    return closeGently(stream, errorPacket(sequence + 1, 1251, '08004', message))
  }
  const token = await receiveToken(stream, sequence, response)
  if (!context.authorize(user, token.text).accepted)
    return closeGently(stream, accessDenied(token.sequence + 1, user, client))

  loggedIn = true
  try {
    const session = await logInToBackend(upstream, greeting, response, backend, backendLogin(backend, user))
    const answer = encodePacket(token.sequence + 1, session.answer)
    if (!isOk(session.answer)) return closeGently(stream, answer)
    stream.write(answer)
    relaySession({ client, stream, upstream: session.stream, capabilities: response.capabilities, context })
  } catch (error) {
    closeGently(stream, failurePacket(token.sequence + 1, error))
  }
}

/** Connects to the backend and reads its greeting. When that fails, returns the packet to refuse the client with. */
async function openUpstream(
  context: LoginContext,
): Promise<{ upstream: Socket; greeting: Greeting } | { refusal: Buffer }> {
  try {
    const upstream = await context.openBackend()
    const { payload } = await readPacket(upstream)
    if (payload[0] !== MARKERS.error) return { upstream, greeting: parseGreeting(payload) }
    upstream.destroy()
    return { refusal: encodePacket(0, payload) }
  } catch (error) {
    return { refusal: failurePacket(0, error) }
  }
}

/** Reads the client's handshake response, after the TLS handshake if the client requests one. */
async function readResponse(
  client: Socket,
  { secureContext }: LoginContext,
): Promise<{ stream: Duplex; sequence: number; response: HandshakeResponse }> {
  let stream: Duplex = client
  let packet = await readPacket(stream)
  if (secureContext !== undefined && asksForTls(packet.payload)) {
    stream = await acceptTls(client, secureContext)
    packet = await readPacket(stream)
  }
  return { stream, sequence: packet.sequence, response: parseHandshakeResponse(packet.payload) }
}

function asksForTls(payload: Buffer): boolean {
  return payload.length === RESPONSE_HEAD && (payload.readUInt32LE(0) & CAPABILITIES.ssl) !== 0
}
