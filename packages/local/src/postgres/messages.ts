import type { Duplex } from 'node:stream'
import { ProtocolError, readBytes } from '../byte-reader'
import { MAX_LOGIN_MESSAGE } from '../login'

/** Codes that a client may send instead of a protocol version. */
export const REQUEST_CODES = { cancel: 80877102, ssl: 80877103, gssenc: 80877104 } as const

/** A message with a type byte. */
export interface Message {
  /** Type, one ASCII character. */
  type: string
  /** Contents after the length. */
  body: Buffer
}

/** Parameters of a startup message, in the order sent; latin1 strings, so that every byte survives. */
export interface Startup {
  /** Protocol version, 196608 for 3.0. */
  version: number
  /** Names and values. */
  parameters: [name: string, value: string][]
}

/** Reads a message with a type byte, no longer than a login needs. */
export async function readMessage(stream: Duplex): Promise<Message> {
  const head = await readBytes(stream, 5)
  const size = head.readUInt32BE(1)
  if (size < 4 || size > MAX_LOGIN_MESSAGE) throw new ProtocolError('the length of a message is out of range')
  return { type: head.toString('latin1', 0, 1), body: await readBytes(stream, size - 4) }
}

/** Encodes a message. */
export function encodeMessage(type: string, ...parts: (string | Buffer)[]): Buffer {
  const body = Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part) : part)))
  const head = Buffer.alloc(5)
  head.write(type, 0, 'latin1')
  head.writeUInt32BE(body.length + 4, 1)
  return Buffer.concat([head, body])
}

/** An authentication request ('R') with the given code. */
export function authenticationRequest(code: number): Buffer {
  return encodeMessage('R', int32(code))
}

/** Four bytes, most significant first. */
export function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}

/** An ErrorResponse of severity FATAL. */
export function fatal(sqlState: string, message: string, hint?: string): Buffer {
  return errorResponse('FATAL', sqlState, message, hint)
}

/** An ErrorResponse. */
export function errorResponse(severity: string, sqlState: string, message: string, hint?: string): Buffer {
  const hintField = hint === undefined ? '' : `H${hint}\0`
  return encodeMessage('E', `S${severity}\0V${severity}\0C${sqlState}\0M${message}\0${hintField}\0`)
}

/** Reads the fields of an ErrorResponse or NoticeResponse by their letters. */
export function errorFields(body: Buffer): Map<string, string> {
  const fields = new Map<string, string>()
  for (const field of body.toString('utf8').split('\0'))
    if (field !== '') fields.set(field.slice(0, 1), field.slice(1))
  return fields
}

/**
 * Reads the body of a startup message after its version.
 *
 * @throws {ProtocolError} when it is not a list of names and values with a final zero byte.
 */
export function parseStartup(version: number, body: Buffer): Startup {
  const texts = body.toString('latin1').split('\0')
  // Names and values each end in a zero byte, and another one ends the list.
  if (texts.length < 2 || texts.pop() !== '' || texts.pop() !== '' || texts.length % 2 !== 0)
    throw new ProtocolError('the startup message is malformed')
  const parameters: [string, string][] = []
  for (let index = 0; index < texts.length; index += 2)
    parameters.push([texts[index] ?? '', texts[index + 1] ?? ''])
  return { version, parameters }
}

/** Encodes a startup message. */
export function encodeStartup({ version, parameters }: Startup): Buffer {
  const texts = parameters.map(([name, value]) => `${name}\0${value}\0`).join('')
  const body = Buffer.from(`${texts}\0`, 'latin1')
  return Buffer.concat([int32(body.length + 8), int32(version), body])
}

/** The value of a startup parameter as text. */
export function startupParameter(startup: Startup, name: string): string | undefined {
  const value = startup.parameters.find(([candidate]) => candidate === name)?.[1]
  return value === undefined ? undefined : Buffer.from(value, 'latin1').toString('utf8')
}

/** A startup message like the given one, with some parameters set. */
export function withStartupParameters(startup: Startup, set: Readonly<Record<string, string>>): Startup {
  const first = Object.entries(set).map(([name, value]): [string, string] => [
    name,
    Buffer.from(value).toString('latin1'),
  ])
  const others = startup.parameters.filter(([name]) => !Object.hasOwn(set, name))
  return { ...startup, parameters: [...first, ...others] }
}
