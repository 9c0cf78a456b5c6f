import { ProtocolError } from '../byte-reader'
import { CAPABILITIES, Cursor, withoutCompression, withoutFinalZero } from './packets'

/** The fields of a server's greeting that a login needs. */
export interface Greeting {
  /** Capabilities that the server offers. */
  capabilities: number
  /** Challenge for the default authentication plugin. */
  scramble: Buffer
  /** Name of the default authentication plugin. */
  plugin: string
  /** The whole greeting. */
  payload: Buffer
}

/** @throws {ProtocolError} when it is not a greeting of protocol 10. */
export function parseGreeting(payload: Buffer): Greeting {
  if (payload[0] !== 10) throw new ProtocolError('the backend does not speak the MySQL protocol 10')
  const { low, high } = capabilityOffsets(payload)
  const cursor = new Cursor(payload, low - 9)
  const first = cursor.bytes(8)
  cursor.bytes(8) // filler, flags, character set, status, flags
  const scrambleLength = cursor.uint(1)
  cursor.bytes(10) // reserved, the last four of them MariaDB's own flags
  const second = cursor.bytes(Math.min(cursor.left, Math.max(13, scrambleLength - 8)))
  const capabilities = payload.readUInt16LE(low) + payload.readUInt16LE(high) * 0x10000
  const named = (capabilities & CAPABILITIES.pluginAuth) !== 0
  return {
    capabilities,
    scramble: withoutFinalZero(Buffer.concat([first, second])),
    plugin: named ? withoutFinalZero(cursor.rest()).toString('latin1') : 'mysql_native_password',
    payload,
  }
}

/**
 * Returns the greeting for the client: the backend's, with TLS as the endpoint offers it, and without compression, which
 * would hide COM_CHANGE_USER.
 *
 * @throws {ProtocolError} when the backend is too old to name authentication plugins.
 */
export function greetingForClient({ payload, capabilities }: Greeting, offersTls: boolean): Buffer {
  if ((capabilities & CAPABILITIES.pluginAuth) === 0)
    throw new ProtocolError('the backend is too old: it does not support authentication plugins')
  const { low, high } = capabilityOffsets(payload)
  const offered = withoutCompression(capabilities)
  const flags = offersTls ? offered | CAPABILITIES.ssl : offered & ~CAPABILITIES.ssl
  const copy = Buffer.from(payload)
  copy.writeUInt16LE(flags & 0xffff, low)
  copy.writeUInt16LE(flags >>> 16, high)
  return copy
}

/** Offsets of the two halves of the capability flags. */
function capabilityOffsets(payload: Buffer): { low: number; high: number } {
  const versionEnd = payload.indexOf(0, 1)
  // Connection id, first part of the challenge, a filler; then flags, character set and status, flags.
  const low = versionEnd + 1 + 4 + 8 + 1
  if (versionEnd < 0 || payload.length < low + 18)
    throw new ProtocolError("the backend's greeting is too short")
  return { low, high: low + 5 }
}
