import type { Socket } from 'node:net'
import type { TlsObservation } from '../checks/tls'
import { readAtLeast } from './reader'

const SSL_REQUEST = Buffer.from([0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f])

/** Asks a PostgreSQL server for TLS; gives what it says in place of yes. */
export async function openPostgresTls(socket: Socket, limitMs: number): Promise<TlsObservation | undefined> {
  socket.write(SSL_REQUEST)
  const answer = await readAtLeast(socket, 1, limitMs)
  const [word] = answer.toString('latin1')
  if (word === 'S') return undefined
  if (word === 'N') return { kind: 'not-offered' }
  if (word === 'E') return { kind: 'server-error', error: readError(answer) }
  // A MySQL server greets at once: a length of three bytes, number 0, protocol 10.
  if (answer[3] === 0 && answer[4] === 10) return { kind: 'other-protocol', engine: 'mysql' }
  return { kind: word === undefined ? 'closed' : 'other-protocol' }
}

function readError(message: Buffer): { code: string; message: string } {
  const fields = message.toString('utf8', 5).split('\0')
  const field = (type: string): string | undefined => fields.find((text) => text.startsWith(type))?.slice(1)
  return { code: field('C') ?? '', message: field('M') ?? 'an error without words' }
}
