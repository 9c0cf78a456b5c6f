import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { backendLogin } from '../backend'
import { closeGently } from '../closing'
import type { LoginContext } from '../login'
import { acceptTls } from '../tls-server'
import { leaveBackend } from './backend-leave'
import { isOk, logInToBackend } from './backend-login'
import { greetingForClient, parseGreeting, type Greeting } from './greeting'
import { parseHandshakeResponse, RESPONSE_HEAD, type HandshakeResponse } from './handshake-response'
import { CAPABILITIES, encodePacket, errorPacket, MARKERS, readPacket, withoutCompression } from './packets'
import { relaySession } from './session'
import { accessDenied, backendFailure, receiveToken } from './token-exchange'

/** Serves a MySQL client: the backend's greeting, TLS, token, session. */
export async function serveMysql(client: Socket, context: LoginContext): Promise<void> {
  const opened = await openLink(context)
  if ('refusal' in opened) return closeGently(client, opened.refusal)
  const { link, greeting } = opened
  const { backend, secureContext } = context
  let undecided = true
  const leave = (): void => (undecided ? leaveBackend(link, greeting, backend) : void link.destroy())
  client.once('close', leave)
  if (client.destroyed) return leave()

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
  if (!context.authorize(user, token.text))
    return closeGently(stream, accessDenied(token.sequence + 1, user, client))

  undecided = false
  try {
    const session = await logInToBackend(link, greeting, response, backend, backendLogin(backend, user))
    const answer = encodePacket(token.sequence + 1, session.answer)
    if (!isOk(session.answer)) return closeGently(stream, answer)
    stream.write(answer)
    relaySession({ client, stream, link: session.stream, capabilities: response.capabilities, context })
  } catch (error) {
    closeGently(stream, backendFailure(token.sequence + 1, error))
  }
}

interface OpenLink {
  link: Socket
  greeting: Greeting
}

/** Connects to the backend and reads its greeting. Gives the packet for the client when that fails. */
async function openLink(context: LoginContext): Promise<OpenLink | { refusal: Buffer }> {
  try {
    const link = await context.openBackend()
    const { payload } = await readPacket(link)
    if (payload[0] !== MARKERS.error) return { link, greeting: parseGreeting(payload) }
    link.destroy()
    return { refusal: encodePacket(0, payload) }
  } catch (error) {
    return { refusal: backendFailure(0, error) }
  }
}

interface ClientResponse {
  stream: Duplex
  sequence: number
  response: HandshakeResponse
}

/** Reads the client's answer to the greeting, after the TLS handshake that it may ask for. */
async function readResponse(client: Socket, { secureContext }: LoginContext): Promise<ClientResponse> {
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
