import type { Socket } from 'node:net'
import type { TlsObservation } from '../checks/tls'
import { openPostgresTls } from './postgres-tls'
import { readAtLeast, ReadTimeout } from './read-at-least'

const HEADER = 4
const LONGEST_GREETING = 4_096
const ERROR_MARKER = 0xff
const PROTOCOL = 10
const CLIENT_SSL = 0x800
// CLIENT_LONG_PASSWORD, PROTOCOL_41, SSL, SECURE_CONNECTION, PLUGIN_AUTH
const CAPABILITIES = 0x1 | 0x200 | CLIENT_SSL | 0x8000 | 0x80000
const UTF8MB4 = 45
const SSL_REQUEST_SIZE = 32
const POSTGRES_LIMIT_MS = 1_000

/** Reads a MySQL server's greeting and asks for TLS. Undefined if the server offers it. */
export async function openMysqlTls(socket: Socket, limitMs: number): Promise<TlsObservation | undefined> {
  let head
  try {
    head = await readAtLeast(socket, HEADER, limitMs)
  } catch (error) {
    // A MySQL server sends first; PostgreSQL waits for the client.
    if (error instanceof ReadTimeout && (await isPostgres(socket)))
      return { kind: 'other-protocol', engine: 'postgres' }
    throw error
  }
  if (head.length < HEADER) return { kind: 'closed' }
  const size = HEADER + head.readUIntLE(0, 3)
  if (size > LONGEST_GREETING) return { kind: 'other-protocol' }
  const packet = await readAtLeast(socket, size, limitMs, head)
  if (packet.length < size) return { kind: 'closed' }
  const payload = packet.subarray(HEADER, size)
  if (payload[0] === ERROR_MARKER) return readError(payload)
  if (payload[0] !== PROTOCOL) return { kind: 'other-protocol' }
  const versionEnd = payload.indexOf(0, 1)
  // After the version: connection ID, first part of the challenge, a filler.
  const flags = versionEnd + 1 + 4 + 8 + 1
  if (versionEnd < 0 || payload.length < flags + 2) return { kind: 'other-protocol' }
  if ((payload.readUInt16LE(flags) & CLIENT_SSL) === 0) return { kind: 'not-offered' }
  socket.write(sslRequest())
  return undefined
}

async function isPostgres(socket: Socket): Promise<boolean> {
  const answer = await openPostgresTls(socket, POSTGRES_LIMIT_MS)
  return answer === undefined || answer.kind === 'not-offered'
}

function sslRequest(): Buffer {
  const packet = Buffer.alloc(HEADER + SSL_REQUEST_SIZE)
  packet.writeUIntLE(SSL_REQUEST_SIZE, 0, 3)
  packet[3] = 1
  packet.writeUInt32LE(CAPABILITIES, HEADER)
  packet.writeUInt32LE(0x1000000, HEADER + 4)
  packet[HEADER + 8] = UTF8MB4
  return packet
}

function readError(payload: Buffer): TlsObservation {
  if (payload.length < 3) return { kind: 'other-protocol' }
  // An error before the login may lack the SQLSTATE: '#' and five characters.
  const message = payload.toString('utf8', 3).replace(/^#.{5}/, '')
  return { kind: 'server-error', error: { code: String(payload.readUInt16LE(1)), message } }
}
