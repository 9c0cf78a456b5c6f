import type { Duplex } from 'node:stream'
import { ProtocolError, readBytes } from '../byte-reader'
import { MAX_LOGIN_MESSAGE } from '../login'

/** A packet of the MySQL protocol. */
export interface Packet {
  /** Sequence number, 0 to 255. */
  sequence: number
  /** Contents after the header. */
  payload: Buffer
}

/** Capability flags that a login depends on. */
export const CAPABILITIES = {
  connectWithDb: 0x8,
  compress: 0x20,
  protocol41: 0x200,
  ssl: 0x800,
  secureConnection: 0x8000,
  pluginAuth: 0x80000,
  connectAttrs: 0x100000,
  lengthEncodedAuth: 0x200000,
  zstd: 0x4000000,
} as const

/** First bytes of commands. */
export const COMMANDS = { quit: 0x01, query: 0x03, changeUser: 0x11, prepare: 0x16 } as const

/** Removes zlib and zstd compression from capability flags. */
export function withoutCompression(capabilities: number): number {
  return capabilities & ~(CAPABILITIES.compress | CAPABILITIES.zstd)
}

/** First bytes of a server's packets during a login. */
export const MARKERS = { ok: 0x00, moreData: 0x01, authSwitch: 0xfe, error: 0xff } as const

/**
 * Reads one packet.
 *
 * @throws {ProtocolError} when it is longer than a login needs, or the stream ends.
 */
export async function readPacket(stream: Duplex): Promise<Packet> {
  const head = await readBytes(stream, 4)
  const size = head.readUIntLE(0, 3)
  if (size === 0 || size > MAX_LOGIN_MESSAGE)
    throw new ProtocolError('the length of a packet is out of range')
  return { sequence: head.readUInt8(3), payload: await readBytes(stream, size) }
}

/** Encodes a packet. */
export function encodePacket(sequence: number, ...parts: (string | Buffer)[]): Buffer {
  const payload = Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part) : part)))
  const head = Buffer.alloc(4)
  head.writeUIntLE(payload.length, 0, 3)
  head.writeUInt8(sequence & 0xff, 3)
  return Buffer.concat([head, payload])
}

/** An ERR packet for a client of protocol 4.1. */
export function errorPacket(sequence: number, code: number, sqlState: string, message: string): Buffer {
  const head = Buffer.from([MARKERS.error, code & 0xff, code >> 8])
  return encodePacket(sequence, head, `#${sqlState}${message}`)
}

/** A request to continue with another authentication plugin. */
export interface AuthSwitch {
  /** Name of the plugin. */
  plugin: string
  /** Data for the plugin, without the zero byte at its end. */
  data: Buffer
}

/** Encodes an AuthSwitchRequest. */
export function authSwitchPacket(sequence: number, { plugin, data }: AuthSwitch): Buffer {
  return encodePacket(sequence, Buffer.from([MARKERS.authSwitch]), `${plugin}\0`, data, '\0')
}

/** Reads an AuthSwitchRequest; an empty one requests the authentication of the time before plugins. */
export function parseAuthSwitch(payload: Buffer): AuthSwitch {
  if (payload.length === 1) return { plugin: 'mysql_old_password', data: Buffer.alloc(0) }
  const cursor = new Cursor(payload, 1)
  const plugin = cursor.zeroTerminated().toString('latin1')
  return { plugin, data: withoutFinalZero(cursor.rest()) }
}

/** The bytes without a zero byte at their end. */
export function withoutFinalZero(bytes: Buffer): Buffer {
  return bytes.at(-1) === 0 ? bytes.subarray(0, -1) : bytes
}

/** Reads a payload from the front. Each method throws {@link ProtocolError} when the payload is too short. */
export class Cursor {
  readonly #payload: Buffer
  #position: number

  constructor(payload: Buffer, start = 0) {
    this.#payload = payload
    this.#position = start
  }

  /** Number of bytes that are left. */
  get left(): number {
    return this.#payload.length - this.#position
  }

  /** Takes `size` bytes. */
  bytes(size: number): Buffer {
    if (size > this.left) throw new ProtocolError('a packet is too short')
    this.#position += size
    return this.#payload.subarray(this.#position - size, this.#position)
  }

  /** Takes a number of `size` bytes. */
  uint(size: number): number {
    return this.bytes(size).readUIntLE(0, size)
  }

  /** Takes the bytes up to a zero byte, and the zero byte. */
  zeroTerminated(): Buffer {
    const end = this.#payload.indexOf(0, this.#position)
    if (end < 0) throw new ProtocolError('a string in a packet is not terminated')
    return this.bytes(end + 1 - this.#position).subarray(0, -1)
  }

  /** Takes bytes that follow their length as a length-encoded integer. */
  lengthEncoded(): Buffer {
    const first = this.uint(1)
    if (first === 0xfc) return this.bytes(this.uint(2))
    if (first === 0xfd) return this.bytes(this.uint(3))
    if (first > 0xfa) throw new ProtocolError('a length in a packet is out of range')
    return this.bytes(first)
  }

  /** Takes all that is left. */
  rest(): Buffer {
    return this.bytes(this.left)
  }
}

/** Prefixes bytes with their length as a length-encoded integer. */
export function withLength(bytes: Buffer): Buffer {
  if (bytes.length < 0xfb) return Buffer.concat([Buffer.from([bytes.length]), bytes])
  const head = Buffer.from([0xfc, bytes.length & 0xff, bytes.length >> 8])
  return Buffer.concat([head, bytes])
}
