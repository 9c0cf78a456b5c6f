import type { Socket } from 'node:net'
import type { TlsObservation } from '../checks/tls'
import { readAtLeast } from './read-at-least'

const SSL_REQUEST = Buffer.from([0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f])
// A type of one byte and a length of four, which counts itself.
const HEADER = 5
const LONGEST_ERROR = 4_096

/** Asks a PostgreSQL server for TLS. Undefined if the server agrees. */
export async function openPostgresTls(socket: Socket, limitMs: number): Promise<TlsObservation | undefined> {
  socket.write(SSL_REQUEST)
  const answer = await readAtLeast(socket, 1, limitMs)
  const [reply] = answer.toString('latin1')
  // PostgreSQL sends one byte, and waits for the TLS handshake.
  if (reply === 'S' && answer.length === 1) return undefined
  if (reply === 'N') return { kind: 'not-offered' }
  if (reply === 'E') return readError(socket, answer, limitMs)
  // The greeting of a MySQL server: a length of three bytes, number 0, protocol 10.
  if (answer[3] === 0 && answer[4] === 10) return { kind: 'other-protocol', engine: 'mysql' }
  return { kind: reply === undefined ? 'closed' : 'other-protocol' }
}

async function readError(socket: Socket, begun: Buffer, limitMs: number): Promise<TlsObservation> {
  const head = await readAtLeast(socket, HEADER, limitMs, begun)
  if (head.length < HEADER) return { kind: 'closed' }
  const size = 1 + head.readUInt32BE(1)
  if (size > LONGEST_ERROR) return { kind: 'other-protocol' }
  const message = await readAtLeast(socket, size, limitMs, head)
  if (message.length < size) return { kind: 'closed' }
  const fields = message.toString('utf8', HEADER, size).split('\0')
  const field = (type: string): string | undefined => fields.find((text) => text.startsWith(type))?.slice(1)
  return {
    kind: 'server-error',
    error: { code: field('C') ?? '', message: field('M') ?? 'an error without a message' },
  }
}
