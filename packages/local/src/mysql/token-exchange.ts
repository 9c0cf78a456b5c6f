import { randomBytes } from 'node:crypto'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { clientAddress } from '../login'
import type { HandshakeResponse } from './handshake-response'
import { authSwitchPacket, errorPacket, readPacket, withoutFinalZero } from './packets'

const CLEARTEXT = 'mysql_clear_password'

/** A token as a client sent it. */
export interface ReceivedToken {
  /** The token. */
  text: string
  /** Sequence number of the packet that it came in. */
  sequence: number
}

/** Asks a client for a token after its answer to the greeting. */
export async function receiveToken(
  stream: Duplex,
  sequence: number,
  { plugin, auth }: HandshakeResponse,
): Promise<ReceivedToken> {
  // A client whose default plugin is the one we want has sent the token already.
  if (plugin === CLEARTEXT && auth.length > 0) return { text: tokenText(auth), sequence }
  return switchToCleartext(stream, sequence)
}

/** Sends an auth switch to mysql_clear_password, and reads the answer. */
export async function switchToCleartext(stream: Duplex, sequence: number): Promise<ReceivedToken> {
  // The plugin has no use for a challenge, but RDS sends one: twenty bytes, none of them zero.
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

/** An ERR packet for a fault of the backend, which the person who runs the endpoint is to see in the client. */
export function backendFailure(sequence: number, error: unknown): Buffer {
  const why = error instanceof Error ? error.message : String(error)
  return errorPacket(sequence, 1105, 'HY000', `the database behind the endpoint cannot be used: ${why}`)
}

function tokenText(bytes: Buffer): string {
  return withoutFinalZero(bytes).toString('utf8')
}
