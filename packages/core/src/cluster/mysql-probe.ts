import { once } from 'node:events'
import { Socket } from 'node:net'
import { addAbortSignal, type Duplex } from 'node:stream'
import { connect, type TLSSocket } from 'node:tls'
import { RdsIamError } from '../errors'
import type { Login } from '../login/login'
import type { LoginTarget } from '../login/login-target'
import { requireTls } from '../tls/verify'
import {
  encodeLogin,
  encodePacket,
  encodePassword,
  encodeQuery,
  encodeTlsRequest,
  isEnd,
  MARKERS,
  MysqlServerError,
  offersTls,
  QUIT,
  readError,
  readRow,
  requestsPassword,
  type Packet,
} from './mysql-packets'
import type { Answer, OpenProbe, Probe } from './probe'

// Aurora keeps instances that were deleted in this table: AWS's own drivers skip them by the same time.
const TOPOLOGY =
  'select @@innodb_read_only, @@read_only, @@aurora_server_id, ' +
  'server_id, session_id, replica_lag_in_milliseconds ' +
  'from information_schema.replica_host_status ' +
  "where session_id = 'MASTER_SESSION_ID' or last_update_timestamp > now() - interval 5 minute"
const ROLE = 'select @@innodb_read_only, @@read_only'

/** Opens a probe of a MySQL or MariaDB server. The session has no database, so that it needs no rights in one. */
export const openMysqlProbe: OpenProbe = async (login, target, { user }, signal) => {
  const { value } = await login.token(target, user)
  const socket = await openTls(login, target, signal)
  try {
    await logIn(socket, user, value)
    return new MysqlProbe(socket)
  } catch (error) {
    socket.destroy()
    throw error
  }
}

class MysqlProbe implements Probe {
  readonly #socket: TLSSocket
  #hasTopology = true

  constructor(socket: TLSSocket) {
    this.#socket = socket
  }

  async ask(): Promise<Answer> {
    const rows = this.#hasTopology ? await this.#queryIfKnown(TOPOLOGY) : []
    const [first] = rows
    if (first) {
      const [readOnlyStorage, readOnly, instance] = first
      return {
        isWriter: isOff(readOnlyStorage) && isOff(readOnly),
        ...(isOff(readOnlyStorage) && !isOff(readOnly) ? { isReadOnly: true } : {}),
        ...(instance ? { instance } : {}),
        members: rows.map(([, , , id, session, lag]) => ({
          instance: id ?? '',
          isWriter: session === 'MASTER_SESSION_ID',
          ...(lag ? { lagMs: Number(lag) } : {}),
        })),
      }
    }
    this.#hasTopology = false
    const [role = []] = await this.#query(ROLE)
    return { isWriter: role.length > 0 && role.every(isOff), members: [] }
  }

  close(): void {
    this.#socket.end(QUIT)
    // Do not wait for the server to close its side.
    this.#socket.destroySoon()
  }

  /** Returns no rows when the server does not know the table or a variable. */
  async #queryIfKnown(sql: string): Promise<(string | null)[][]> {
    try {
      return await this.#query(sql)
    } catch (error) {
      if (error instanceof MysqlServerError) return []
      throw error
    }
  }

  async #query(sql: string): Promise<(string | null)[][]> {
    this.#socket.write(encodeQuery(sql))
    await readPacket(this.#socket) // the number of columns
    await this.#readUntilEnd() // the columns
    return (await this.#readUntilEnd()).map(readRow)
  }

  async #readUntilEnd(): Promise<Buffer[]> {
    const payloads: Buffer[] = []
    for (;;) {
      const { payload } = await readPacket(this.#socket)
      if (isEnd(payload)) return payloads
      payloads.push(payload)
    }
  }
}

/** Whether a server variable is off. MariaDB 12 has words instead of numbers. */
function isOff(value: string | null | undefined): boolean {
  return value === '0' || value === 'OFF'
}

async function openTls(login: Login, target: LoginTarget, signal: AbortSignal): Promise<TLSSocket> {
  const { raw } = await openMysql(target, signal)
  return startMysqlTls(login, target, { raw, request: encodeTlsRequest(), signal })
}

/** Connects to a MySQL server that offers TLS, and reads its greeting. */
export async function openMysql(
  { dial, endpoint }: LoginTarget,
  signal: AbortSignal,
): Promise<{ raw: Socket; greeting: Buffer }> {
  signal.throwIfAborted()
  const raw = addAbortSignal(signal, new Socket())
  raw.on('error', () => {})
  raw.connect(dial.port, dial.host)
  try {
    const { payload: greeting } = await readPacket(raw)
    if (offersTls(greeting)) return { raw, greeting }
    throw new RdsIamError(
      'TLS_REQUIRED',
      `ssl: ${endpoint.host}:${endpoint.port} offers no TLS: no token was sent`,
    )
  } catch (error) {
    raw.destroy()
    throw error
  }
}

/** Sends an SSLRequest, starts TLS, and verifies the certificate chain and host name. */
export async function startMysqlTls(
  login: Login,
  target: LoginTarget,
  { raw, request, signal }: { raw: Socket; request: Buffer; signal: AbortSignal },
): Promise<TLSSocket> {
  try {
    raw.write(encodePacket(1, request))
    const socket = addAbortSignal(signal, connect({ ...login.connectionOptions(target), socket: raw }))
    socket.on('error', () => {})
    await once(socket, 'secureConnect')
    requireTls(socket)
    return socket
  } catch (error) {
    raw.destroy()
    throw error
  }
}

async function logIn(socket: TLSSocket, user: string, token: string): Promise<void> {
  socket.write(encodePacket(2, encodeLogin(user, token)))
  let { sequence, payload } = await readPacket(socket)
  if (requestsPassword(payload)) {
    socket.write(encodePacket(sequence + 1, encodePassword(token)))
    ;({ sequence, payload } = await readPacket(socket))
  }
  if (payload[0] !== MARKERS.ok)
    throw new Error('the server requests an authentication method other than a token')
}

/** Reads one packet. Throws the error in it, if it has one. */
export async function readPacket(stream: Duplex): Promise<Packet> {
  const head = await readBytes(stream, 4)
  const payload = await readBytes(stream, head.readUIntLE(0, 3))
  if (payload[0] === MARKERS.error) throw readError(payload)
  return { sequence: head.readUInt8(3), payload }
}

/** Reads bytes, and leaves those after them in the stream. */
export function readBytes(stream: Duplex, size: number): Promise<Buffer> {
  if (size === 0) return Promise.resolve(Buffer.alloc(0))
  const events = ['readable', 'end', 'close']
  return new Promise((resolve, reject) => {
    const attempt = (): void => {
      const bytes = stream.read(size) as Buffer | null
      if (!bytes && !stream.readableEnded && !stream.destroyed) return
      for (const event of events) stream.off(event, attempt)
      if (bytes?.length === size) resolve(bytes)
      else reject(stream.errored ?? new Error('the server closed the connection'))
    }
    // Keep listening until the end: a new listener for 'readable' is called at once if fewer bytes have arrived.
    for (const event of events) stream.on(event, attempt)
    attempt()
  })
}
