import type { Socket } from 'node:net'
import {
  encodePacket,
  encodeTlsRequest,
  MARKERS,
  offersTls,
  readBytes,
  readError,
  withTimeout,
  type Engine,
} from '@rds-iam/core/internal'
import type { TlsObservation } from '../checks/tls'

/** The server did not send what it must in time. */
export class ReadTimeout extends Error {}

/** Asks a server for TLS. The result is undefined if it agrees. */
type RequestTls = (socket: Socket, limitMs: number) => Promise<TlsObservation | undefined>

const SSL_REQUEST = Buffer.from([0, 0, 0, 8, 4, 210, 22, 47])
const LONGEST_MESSAGE = 4_096
const MYSQL_PROTOCOL = 10
const POSTGRES_LIMIT_MS = 1_000

/** @throws {ReadTimeout} */
export async function requestTls(
  socket: Socket,
  engine: Engine,
  limitMs: number,
): Promise<TlsObservation | undefined> {
  try {
    return await { postgres: requestPostgresTls, mysql: requestMysqlTls }[engine](socket, limitMs)
  } catch (error) {
    const { code = 'ECONNRESET' } = error as NodeJS.ErrnoException
    if (error instanceof ReadTimeout || code !== 'ECONNRESET') throw error
    return { kind: 'closed' }
  }
}

const requestPostgresTls: RequestTls = async (socket, limitMs) => {
  socket.write(SSL_REQUEST)
  const reply = (await read(socket, 1, limitMs)).toString('latin1')
  // PostgreSQL sends one byte, and waits for the TLS handshake.
  if (reply === 'S' && socket.readableLength === 0) return undefined
  if (reply === 'N') return { kind: 'not-offered' }
  if (reply === 'E') return readPostgresError(socket, limitMs)
  // The greeting of a MySQL server: a length of three bytes, number 0, the protocol.
  const rest = socket.read() as Buffer | null
  const isMysql = rest?.[2] === 0 && rest[3] === MYSQL_PROTOCOL
  return isMysql ? { kind: 'other-protocol', engine: 'mysql' } : { kind: 'other-protocol' }
}

async function readPostgresError(socket: Socket, limitMs: number): Promise<TlsObservation> {
  const size = (await read(socket, 4, limitMs)).readUInt32BE(0) - 4
  if (size < 0 || size > LONGEST_MESSAGE) return { kind: 'other-protocol' }
  const fields = (await read(socket, size, limitMs)).toString('utf8').split('\0')
  const field = (type: string): string | undefined => fields.find((text) => text.startsWith(type))?.slice(1)
  return {
    kind: 'server-error',
    error: { code: field('C') ?? '', message: field('M') ?? 'an error without a message' },
  }
}

const requestMysqlTls: RequestTls = async (socket, limitMs) => {
  const head = await read(socket, 4, limitMs).catch(async (error: unknown) => {
    // A MySQL server sends first; PostgreSQL waits for the client.
    if (error instanceof ReadTimeout && (await isPostgres(socket))) return undefined
    throw error
  })
  if (!head) return { kind: 'other-protocol', engine: 'postgres' }
  const size = head.readUIntLE(0, 3)
  if (size > LONGEST_MESSAGE) return { kind: 'other-protocol' }
  const payload = await read(socket, size, limitMs)
  if (payload[0] === MARKERS.error && size >= 3) {
    const { errno, message } = readError(payload)
    return { kind: 'server-error', error: { code: String(errno), message } }
  }
  // After the version come 13 bytes, and then the capabilities.
  const isGreeting = payload[0] === MYSQL_PROTOCOL && size > payload.indexOf(0, 1) + 15
  if (!isGreeting) return { kind: 'other-protocol' }
  if (!offersTls(payload)) return { kind: 'not-offered' }
  socket.write(encodePacket(1, encodeTlsRequest()))
  return undefined
}

async function isPostgres(socket: Socket): Promise<boolean> {
  const answer = await requestPostgresTls(socket, POSTGRES_LIMIT_MS)
  return answer === undefined || answer.kind === 'not-offered'
}

function read(socket: Socket, size: number, limitMs: number): Promise<Buffer> {
  return withTimeout(limitMs, readBytes(socket, size), () => new ReadTimeout())
}
