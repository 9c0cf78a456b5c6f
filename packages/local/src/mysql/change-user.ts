import { backendLogin } from '../backend'
import { closeGently } from '../closing'
import { answerBackend, isOk } from './backend-login'
import { CAPABILITIES, createCursor, encodePacket, readPacket } from './packets'
import type { MysqlSession } from './session'
import { accessDenied, backendFailure, switchToCleartext } from './token-exchange'

/** First byte of the command. */
export const COM_CHANGE_USER = 0x11

/** A COM_CHANGE_USER command taken apart. */
export interface ChangeUser {
  /** User name, in the client's bytes. */
  user: Buffer
  /** Database, in the client's bytes. */
  database: Buffer
  /** Character set: two bytes, or none from a very old client. */
  characterSet: Buffer
  /** Connection attributes, after the plugin's name. */
  attributes: Buffer
}

/** @throws {ProtocolError} when the payload is too short. */
export function parseChangeUser(payload: Buffer, capabilities: number): ChangeUser {
  const cursor = createCursor(payload, 1)
  const user = cursor.zeroTerminated()
  if ((capabilities & CAPABILITIES.secureConnection) === 0) cursor.zeroTerminated()
  else cursor.bytes(cursor.bytes(1).readUInt8(0))
  const database = cursor.zeroTerminated()
  const characterSet = cursor.bytes(Math.min(2, cursor.left))
  if ((capabilities & CAPABILITIES.pluginAuth) !== 0 && cursor.left > 0) cursor.zeroTerminated()
  return { user, database, characterSet, attributes: cursor.rest() }
}

/**
 * Answers a COM_CHANGE_USER that the client has begun to send: a new token, then the same command at the backend.
 *
 * @returns whether the session goes on. A refusal ends it, as MySQL does.
 */
export async function changeUser({
  client,
  stream,
  link,
  capabilities,
  context,
}: MysqlSession): Promise<boolean> {
  const command = await readPacket(stream)
  const change = parseChangeUser(command.payload, capabilities)
  const user = change.user.toString('utf8')
  const token = await switchToCleartext(stream, command.sequence)
  const sequence = token.sequence + 1
  if (!context.authorize(user, token.text)) {
    stream.write(accessDenied(sequence, user, client))
    closeGently(stream)
    return false
  }
  const login = backendLogin(context.backend, user)
  // A plugin that is not the backend's makes it send an auth switch with a fresh challenge.
  const plugin = 'mysql_clear_password'
  const parts = [
    Buffer.from([COM_CHANGE_USER]),
    Buffer.from(`${login.user}\0`),
    Buffer.alloc(1), // no answer yet
    change.database,
    Buffer.alloc(1),
    change.characterSet.length === 2 ? change.characterSet : Buffer.from([45, 0]),
    Buffer.from(`${plugin}\0`),
    change.attributes,
  ]
  link.write(encodePacket(0, ...parts))
  try {
    const challenge = { plugin, scramble: Buffer.alloc(0), encrypted: context.backend.ca !== undefined }
    const answer = await answerBackend(link, login.password ?? '', challenge)
    stream.write(encodePacket(sequence, answer))
    if (isOk(answer)) return true
    closeGently(stream)
  } catch (error) {
    stream.write(backendFailure(sequence, error))
    closeGently(stream)
  }
  return false
}
