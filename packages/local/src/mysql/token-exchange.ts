import { randomBytes } from 'node:crypto'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { backendFailure, clientAddress } from '../login'
import type { HandshakeResponse } from './handshake-response'
import { authSwitchPacket, errorPacket, readPacket, withoutFinalZero } from './packets'

const CLEARTEXT = 'mysql_clear_password'

/** A token from a client. */
export interface ReceivedToken {
  /** The token. */
  text: string
  /** Sequence number of its packet. */
  sequence: number
}

/** Requests a token from a client after its handshake response. */
export async function receiveToken(
  stream: Duplex,
  sequence: number,
  { plugin, auth }: HandshakeResponse,
): Promise<ReceivedToken> {
  // A client whose default plugin is mysql_clear_password has already sent the token.
  if (plugin === CLEARTEXT && auth.length > 0) return { text: tokenText(auth), sequence }
  return switchToCleartext(stream, sequence)
}

/** Sends an auth switch to mysql_clear_password, and reads the response. */
export async function switchToCleartext(stream: Duplex, sequence: number): Promise<ReceivedToken> {
  // The plugin ignores the challenge, but RDS sends one: twenty bytes, none of them zero.
  const data = Buffer.from(randomBytes(20).map((byte) => byte & 0x7f || 1))
  stream.write(authSwitchPacket(sequence + 1, { plugin: CLEARTEXT, data }))
  const answer = await readPacket(stream)
  return { text: tokenText(answer.payload), sequence: answer.sequence }
}

/** An ERR packet that refuses a login as RDS does. */
export function accessDenied(sequence: number, user: string, client: Socket): Buffer {
  const message = `Access denied for user '${user}'@'${clientAddress(client)}' (using password: YES)`
  return errorPacket(sequence, 1045, '28000', message)
}

/** An ERR packet for a failure of the backend. */
export function failurePacket(sequence: number, error: unknown): Buffer {
  return errorPacket(sequence, 1105, 'HY000', backendFailure(error))
}

function tokenText(bytes: Buffer): string {
  return withoutFinalZero(bytes).toString('utf8')
}
