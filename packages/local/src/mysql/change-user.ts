import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { backendLogin } from '../backend'
import type { LoginContext } from '../login'
import { closeGently } from '../relay'
import { answerBackend, isOk } from './backend-login'
import { CAPABILITIES, COMMANDS, Cursor, encodePacket, readPacket } from './packets'
import { accessDenied, failurePacket, switchToCleartext } from './token-exchange'

/** A session after its login. */
export interface MysqlSession {
  /** The client's TCP connection. */
  client: Socket
  /** The client's connection with TLS, or `client` without. */
  stream: Duplex
  /** The connection to the backend. */
  upstream: Duplex
  /** Capabilities that client and backend agreed on. */
  capabilities: number
  /** The endpoint's side of a login. */
  context: LoginContext
}

/**
 * Handles a COM_CHANGE_USER command: requests a new token, and then changes the user at the backend.
 *
 * @returns whether the session continues. A refusal ends it, as in MySQL.
 */
export async function changeUser({
  client,
  stream,
  upstream,
  capabilities,
  context,
}: MysqlSession): Promise<boolean> {
  const command = await readPacket(stream)
  const change = parseChangeUser(command.payload, capabilities)
  const user = change.user.toString('utf8')
  const token = await switchToCleartext(stream, command.sequence)
  const sequence = token.sequence + 1
  if (!context.authorize(user, token.text).accepted) {
    stream.write(accessDenied(sequence, user, client))
    closeGently(stream)
    return false
  }
  const login = backendLogin(context.backend, user)
  // This is not the backend's plugin, so the backend sends an auth switch with a new challenge.
  const plugin = 'mysql_clear_password'
  const parts = [
    Buffer.from([COMMANDS.changeUser]),
    Buffer.from(`${login.user}\0`),
    Buffer.alloc(1), // no authentication data yet
    change.database,
    Buffer.alloc(1),
    change.characterSet.length === 2 ? change.characterSet : Buffer.from([45, 0]),
    Buffer.from(`${plugin}\0`),
    change.attributes,
  ]
  upstream.write(encodePacket(0, ...parts))
  try {
    const challenge = { plugin, scramble: Buffer.alloc(0), encrypted: context.backend.ca !== undefined }
    const answer = await answerBackend(upstream, login.password ?? '', challenge)
    stream.write(encodePacket(sequence, answer))
    if (isOk(answer)) return true
    closeGently(stream)
  } catch (error) {
    stream.write(failurePacket(sequence, error))
    closeGently(stream)
  }
  return false
}

/** Reads a command's fields, in the client's bytes. @throws {ProtocolError} when the payload is too short. */
function parseChangeUser(
  payload: Buffer,
  capabilities: number,
): Record<'user' | 'database' | 'characterSet' | 'attributes', Buffer> {
  const cursor = new Cursor(payload, 1)
  const user = cursor.zeroTerminated()
  if ((capabilities & CAPABILITIES.secureConnection) === 0) cursor.zeroTerminated()
  else cursor.bytes(cursor.uint(1))
  const database = cursor.zeroTerminated()
  // Two bytes; very old clients send none.
  const characterSet = cursor.bytes(Math.min(2, cursor.left))
  if ((capabilities & CAPABILITIES.pluginAuth) !== 0 && cursor.left > 0) cursor.zeroTerminated()
  return { user, database, characterSet, attributes: cursor.rest() }
}
