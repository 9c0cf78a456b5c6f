/** A packet of the MySQL protocol, without its header. */
export interface Packet {
  sequence: number
  payload: Buffer
}

/** An error that the server sent. */
export class MysqlServerError extends Error {
  constructor(
    readonly errno: number,
    message: string,
    readonly sqlState?: string,
  ) {
    super(message)
  }
}

/** The first byte of a packet that ends a request. */
export const MARKERS = { ok: 0x00, eof: 0xfe, error: 0xff } as const

const CLIENT_SSL = 0x800
// LONG_PASSWORD, PROTOCOL_41, SSL, SECURE_CONNECTION, PLUGIN_AUTH, PLUGIN_AUTH_LENENC_CLIENT_DATA.
const CAPABILITIES = 0x1 | 0x200 | CLIENT_SSL | 0x8000 | 0x80000 | 0x200000
const LARGEST_PACKET = 0xffffff
const UTF8MB4 = 45
const CLEAR_PASSWORD = 'mysql_clear_password'
const COM_QUERY = 3

/** Ends a session. */
export const QUIT = encodePacket(0, Buffer.from([1]))

/** Adds a packet's header. */
export function encodePacket(sequence: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(4)
  head.writeUIntLE(payload.length, 0, 3)
  head.writeUInt8(sequence, 3)
  return Buffer.concat([head, payload])
}

/** Whether the server's greeting offers TLS. */
export function offersTls(greeting: Buffer): boolean {
  // The server's version, a connection id, eight bytes of the challenge, a filler; then the capabilities.
  const capabilities = greeting.indexOf(0, 1) + 1 + 4 + 8 + 1
  return greeting[0] === 10 && (greeting.readUInt16LE(capabilities) & CLIENT_SSL) !== 0
}

/** The first part of a login, which requests TLS when it is sent alone. */
export function encodeTlsRequest(): Buffer {
  const request = Buffer.alloc(32)
  request.writeUInt32LE(CAPABILITIES, 0)
  request.writeUInt32LE(LARGEST_PACKET, 4)
  request.writeUInt8(UTF8MB4, 8)
  return request
}

/** A login that contains the token. */
export function encodeLogin(user: string, token: string): Buffer {
  const password = encodePassword(token)
  const length = Buffer.from([0xfc, password.length & 0xff, password.length >> 8])
  return Buffer.concat([
    encodeTlsRequest(),
    Buffer.from(`${user}\0`),
    length,
    password,
    Buffer.from(`${CLEAR_PASSWORD}\0`),
  ])
}

/** The answer to a request for a clear-text password. */
export function encodePassword(token: string): Buffer {
  return Buffer.from(`${token}\0`)
}

/** Whether the server requests a clear-text password. */
export function requestsPassword(payload: Buffer): boolean {
  return payload[0] === MARKERS.eof && payload.toString('latin1', 1, payload.indexOf(0, 1)) === CLEAR_PASSWORD
}

/** A statement to run. */
export function encodeQuery(sql: string): Buffer {
  return encodePacket(0, Buffer.concat([Buffer.from([COM_QUERY]), Buffer.from(sql)]))
}

/** Whether a packet ends a list of columns or rows. A row may begin with the same byte, but is longer then. */
export function isEnd(payload: Buffer): boolean {
  return payload[0] === MARKERS.eof && payload.length < 9
}

/** Reads an error packet. It has no SQLSTATE when the server refuses a connection before its greeting. */
export function readError(payload: Buffer): MysqlServerError {
  const [, state, message = ''] = /^(?:#(.{5}))?(.*)$/s.exec(payload.toString('utf8', 3)) ?? []
  return new MysqlServerError(payload.readUInt16LE(1), message, state)
}

/** Reads the values of a row in the text protocol. */
export function readRow(payload: Buffer): (string | null)[] {
  const values: (string | null)[] = []
  for (let at = 0; at < payload.length;) {
    const first = payload.readUInt8(at++)
    if (first === 0xfb) {
      values.push(null)
      continue
    }
    const size = first < 0xfb ? 0 : first - 0xfa
    const length = size === 0 ? first : payload.readUIntLE(at, size)
    values.push(payload.toString('utf8', at + size, (at += size + length)))
  }
  return values
}
