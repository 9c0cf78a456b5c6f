import { createHash } from 'node:crypto'
import {
  encodePacket,
  encodePassword,
  MARKERS,
  MysqlServerError,
  openMysql,
  readPacket,
  requestsPassword,
  startMysqlTls,
} from '@rds-iam/core/internal'
import { isEqual, messageOf, WrongPassword, type Serve } from './upstream'

const CLIENT_SSL = 0x800
/** Length of a handshake response before the user name, in bytes. An SSLRequest consists of this part alone. */
const HEAD = 32
/** Length of a response with caching_sha2_password. */
const HASH_BYTES = 32
/** An AuthSwitchRequest to caching_sha2_password, before its challenge. */
const AUTH_SWITCH = Buffer.from('\xfecaching_sha2_password\0', 'latin1')
/** The packet that ends a fast login with caching_sha2_password. */
const FAST_LOGIN = Buffer.from([1, 3])

/** Logs in a MySQL or MariaDB client. */
export const serveMysql: Serve = async (client, { login, target, user, password }, signal) => {
  let sequence = 0
  const send = (payload: Buffer): void => void client.write(encodePacket(sequence++, payload))
  try {
    const { raw, greeting } = await openMysql(target, signal)
    const { payload, challenge } = greetingForClient(greeting)
    send(payload)
    const handshake = await readPacket(client)
    sequence = handshake.sequence + 1
    let response = challengeResponseIn(handshake.payload)
    if (response.length !== HASH_BYTES) {
      // The client began with another plugin.
      send(Buffer.concat([AUTH_SWITCH, challenge, Buffer.alloc(1)]))
      const reply = await readPacket(client)
      sequence = reply.sequence + 1
      response = reply.payload
    }
    if (!isEqual(expectedResponse(password, challenge), response)) throw new WrongPassword()

    // This response has the wrong password for the server, which then requests the token by the user's own plugin.
    const forServer = withTls(handshake.payload)
    const request = forServer.subarray(0, HEAD)
    const [server, token] = await Promise.all([
      startMysqlTls(login, target, { raw, request, signal }),
      login.token(target, user),
    ])
    server.write(encodePacket(2, forServer))
    let answer = await readPacket(server)
    if (requestsPassword(answer.payload)) {
      server.write(encodePacket(answer.sequence + 1, encodePassword(token.value)))
      answer = await readPacket(server)
    }
    if (answer.payload[0] !== MARKERS.ok)
      throw new Error('the server requests an authentication method other than a token')
    send(FAST_LOGIN)
    send(answer.payload)
    return server
  } catch (error) {
    client.end(encodePacket(sequence, errorPayload(error, sequence > 0)))
    return undefined
  }
}

/** The response to a challenge with caching_sha2_password, which proves that the client knows the password. */
function expectedResponse(password: string, challenge: Buffer): Buffer {
  const once = hash(password)
  const twice = hash(hash(once), challenge)
  return Buffer.from(once.map((byte, index) => byte ^ (twice[index] ?? 0)))
}

/** The server's greeting, without TLS and with a plugin that current clients support, and its challenge. */
function greetingForClient(greeting: Buffer): { payload: Buffer; challenge: Buffer } {
  // After the version come the connection ID, the first part of the challenge and a filler byte.
  const capabilities = greeting.indexOf(0, 1) + 1 + 4 + 8 + 1
  const second = capabilities + 18
  const payload = Buffer.concat([greeting.subarray(0, second + 13), Buffer.from('caching_sha2_password\0')])
  payload.writeUInt16LE(payload.readUInt16LE(capabilities) & ~CLIENT_SSL, capabilities)
  const challenge = Buffer.concat([
    greeting.subarray(capabilities - 9, capabilities - 1),
    greeting.subarray(second, second + 12),
  ])
  return { payload, challenge }
}

/** The client's response to the challenge, in its handshake response. */
function challengeResponseIn(response: Buffer): Buffer {
  const at = response.indexOf(0, HEAD) + 1
  return response.subarray(at + 1, at + 1 + (response[at] ?? 0))
}

function withTls(response: Buffer): Buffer {
  const copy = Buffer.from(response)
  copy.writeUInt32LE((copy.readUInt32LE(0) | CLIENT_SSL) >>> 0, 0)
  return copy
}

/** The payload of an error packet. Before the client's handshake response, it has no SQLSTATE. */
function errorPayload(error: unknown, hasState: boolean): Buffer {
  const { errno, sqlState = 'HY000', message } = serverError(error)
  const state = hasState ? `#${sqlState}` : ''
  return Buffer.concat([Buffer.from([MARKERS.error, errno & 0xff, errno >> 8]), Buffer.from(state + message)])
}

function serverError(error: unknown): MysqlServerError {
  if (error instanceof MysqlServerError) return error
  const message = messageOf(error)
  return error instanceof WrongPassword
    ? new MysqlServerError(1045, message, '28000')
    : new MysqlServerError(1105, message)
}

function hash(...parts: (string | Buffer)[]): Buffer {
  const digest = createHash('sha256')
  for (const part of parts) digest.update(part)
  return digest.digest()
}
