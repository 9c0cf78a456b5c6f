import { ProtocolError } from '../byte-reader'
import { CAPABILITIES, Cursor, withLength } from './packets'

/** A client's response to the greeting (HandshakeResponse41). */
export interface HandshakeResponse {
  /** Capabilities that the client requests. */
  capabilities: number
  /** Largest packet, character set, and reserved bytes, among them MariaDB's own capabilities. */
  settings: Buffer
  /** User name, in the client's bytes. */
  user: Buffer
  /** Output of the client's authentication plugin. */
  auth: Buffer
  /** Initial database, in the client's bytes. */
  database: Buffer
  /** The client's authentication plugin. */
  plugin: string
  /** Connection attributes and whatever else follows. */
  rest: Buffer
}

/** Size of the part before the user name. An SSLRequest consists of it alone. */
export const RESPONSE_HEAD = 32

/** @throws {ProtocolError} when it has an older protocol, or is too short for its flags. */
export function parseHandshakeResponse(payload: Buffer): HandshakeResponse {
  const cursor = new Cursor(payload)
  const capabilities = cursor.uint(4)
  if ((capabilities & CAPABILITIES.protocol41) === 0) throw new ProtocolError('only protocol 4.1 is known')
  const has = (flag: number): boolean => (capabilities & flag) !== 0
  const settings = cursor.bytes(RESPONSE_HEAD - 4)
  const user = cursor.zeroTerminated()
  const auth = has(CAPABILITIES.lengthEncodedAuth)
    ? cursor.lengthEncoded()
    : has(CAPABILITIES.secureConnection)
      ? cursor.bytes(cursor.uint(1))
      : cursor.zeroTerminated()
  // Some clients set the flag for a database or a plugin and end the packet before it.
  const text = (flag: number): Buffer =>
    has(flag) && cursor.left > 0 ? cursor.zeroTerminated() : Buffer.alloc(0)
  const database = text(CAPABILITIES.connectWithDb)
  const plugin = text(CAPABILITIES.pluginAuth).toString('latin1')
  return { capabilities, settings, user, auth, database, plugin, rest: cursor.rest() }
}

/** Encodes a handshake response. */
export function encodeHandshakeResponse(response: HandshakeResponse): Buffer {
  const has = (flag: number): boolean => (response.capabilities & flag) !== 0
  const zero = Buffer.alloc(1)
  return Buffer.concat([
    responseHead(response),
    response.user,
    zero,
    has(CAPABILITIES.lengthEncodedAuth) || has(CAPABILITIES.secureConnection)
      ? withLength(response.auth) // a hash: its length fits into one byte, which both forms share
      : Buffer.concat([response.auth, zero]),
    has(CAPABILITIES.connectWithDb) ? Buffer.concat([response.database, zero]) : Buffer.alloc(0),
    has(CAPABILITIES.pluginAuth) ? Buffer.from(`${response.plugin}\0`) : Buffer.alloc(0),
    response.rest,
  ])
}

/** A handshake response for a plain session; user and password are still to be filled in. */
export function plainResponse(): HandshakeResponse {
  const settings = Buffer.alloc(RESPONSE_HEAD - 4)
  settings.writeUInt32LE(0xffffff, 0) // largest packet
  settings.writeUInt8(45, 4) // utf8mb4
  return {
    capabilities: CAPABILITIES.protocol41 | CAPABILITIES.secureConnection | CAPABILITIES.pluginAuth,
    settings,
    user: Buffer.alloc(0),
    auth: Buffer.alloc(0),
    database: Buffer.alloc(0),
    plugin: '',
    rest: Buffer.alloc(0),
  }
}

/** The part before the user name; sent alone, it requests TLS. */
export function responseHead({ capabilities, settings }: HandshakeResponse): Buffer {
  const flags = Buffer.alloc(4)
  flags.writeUInt32LE(capabilities >>> 0)
  return Buffer.concat([flags, settings])
}
