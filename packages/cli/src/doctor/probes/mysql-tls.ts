import type { Socket } from 'node:net'
import type { TlsObservation } from '../checks/tls'
import { openPostgresTls } from './postgres-tls'
import { readAtLeast, Silence } from './reader'

const HEADER = 4
const LONGEST_GREETING = 4_096
const ERROR_MARKER = 0xff
const CLIENT_SSL = 0x800
// CLIENT_LONG_PASSWORD, PROTOCOL_41, SSL, SECURE_CONNECTION, PLUGIN_AUTH
const CAPABILITIES = 0x1 | 0x200 | CLIENT_SSL | 0x8000 | 0x80000
const UTF8MB4 = 45
const SSL_REQUEST_SIZE = 32
const POSTGRES_LIMIT_MS = 1_000

/** Reads a MySQL server's greeting and asks for TLS; gives what the server says in place of yes. */
export async function openMysqlTls(socket: Socket, limitMs: number): Promise<TlsObservation | undefined> {
  let head
  try {
    head = await readAtLeast(socket, HEADER, limitMs)
  } catch (error) {
    // A MySQL server speaks first, and PostgreSQL waits to be asked.
    if (error instanceof Silence && (await isPostgres(socket)))
      return { kind: 'other-protocol', engine: 'postgres' }
    throw error
  }
  const size = HEADER + (head.length < HEADER ? 0 : head.readUIntLE(0, 3))
  if (size > LONGEST_GREETING) return { kind: 'other-protocol' }
  const packet = head.length >= size ? head : await readRest(socket, head, size, limitMs)
  const [marker] = packet.subarray(HEADER)
  if (marker === ERROR_MARKER) return { kind: 'server-error', error: readError(packet.subarray(HEADER)) }
  if (marker !== 10) return { kind: packet.length === 0 ? 'closed' : 'other-protocol' }
  const versionEnd = packet.indexOf(0, HEADER + 1)
  // After the version: connection id, first part of the challenge, a filler.
  const capabilities = packet.readUInt16LE(versionEnd + 1 + 4 + 8 + 1)
  if ((capabilities & CLIENT_SSL) === 0) return { kind: 'not-offered' }
  socket.write(sslRequest())
  return undefined
}

async function isPostgres(socket: Socket): Promise<boolean> {
  const answer = await openPostgresTls(socket, POSTGRES_LIMIT_MS)
  return answer === undefined || answer.kind === 'not-offered'
}

async function readRest(socket: Socket, head: Buffer, size: number, limitMs: number): Promise<Buffer> {
  return Buffer.concat([head, await readAtLeast(socket, size - head.length, limitMs)])
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

function readError(payload: Buffer): { code: string; message: string } {
  // Before a session there may be no SQLSTATE: '#' and five characters.
  const text = payload.toString('utf8', 3)
  return { code: String(payload.readUInt16LE(1)), message: text.replace(/^#.{5}/, '') }
}
