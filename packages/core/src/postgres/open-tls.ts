import { Socket } from 'node:net'
import { addAbortSignal, Duplex, finished } from 'node:stream'
import { connect, type TLSSocket } from 'node:tls'
import { invalidOption, RdsIamError } from '../errors'
import type { Login } from '../login/login'
import type { LoginTarget } from '../login/login-target'
import { requireTls } from '../tls/verify'

/** The settings that we use. postgres.js passes the `socket` function one object for all connections. */
export interface PostgresSettings {
  host: string[]
  port: number[]
  user: string
  database?: string
  ssl?: unknown
  sslnegotiation?: unknown
  target_session_attrs?: unknown
  keep_alive?: unknown
  /** The startup parameters. */
  connection?: { replication?: unknown }
  /** In seconds. */
  connect_timeout?: unknown
}

/** PostgreSQL's SSLRequest message: its length and the request code. */
const SSL_REQUEST = Buffer.from([0, 0, 0, 8, 4, 210, 22, 47])

/** Direct TLS, without an SSLRequest, requires ALPN. */
const DIRECT = { ALPNProtocols: ['postgresql'] }

interface Opening {
  /** Absent for a connection of our own. */
  settings?: PostgresSettings
  /** The caller's own `socket` function. */
  dialWith?: unknown
  /** Destroys the socket when aborted, even after it was opened. */
  signal: AbortSignal
}

/** Connects to a PostgreSQL server over TLS, and verifies the certificate chain and host name. */
export async function openTls(login: Login, target: LoginTarget, opening: Opening): Promise<TLSSocket> {
  const { settings, dialWith, signal } = opening
  const raw =
    typeof dialWith === 'function' ? await dialByCaller(() => dialWith(settings)) : dial(target, signal)
  addAbortSignal(signal, raw)
  try {
    if (typeof dialWith !== 'function') await arrival(raw, 'connect')
    const negotiation = settings?.sslnegotiation || (target.parsed.kind === 'dsql' ? 'direct' : 'postgres')
    const direct = negotiation === 'direct'
    if (!direct) await requestTls(raw, target)
    const socket = connect({ ...login.connectionOptions(target), socket: raw, ...(direct ? DIRECT : {}) })
    await arrival(socket, 'secureConnect')
    requireTls(socket)
    if (settings?.keep_alive) socket.setKeepAlive(true, Number(settings.keep_alive) * 1_000)
    return socket
  } catch (error) {
    raw.destroy()
    throw error
  }
}

/** Rejects when the socket fails or the server closes it. Also handles all later errors of the socket. */
export function untilClosed(socket: Duplex): Promise<never> {
  return new Promise((_, reject) => {
    finished(socket, { writable: false }, (error) => {
      reject(error ?? new Error('the server closed the connection before it was open'))
    })
  })
}

/** Waits for an event of a socket. Rejects if the socket closes first. */
function arrival(socket: Duplex, event: string): Promise<unknown> {
  return Promise.race([new Promise((resolve) => socket.once(event, resolve)), untilClosed(socket)])
}

function dial({ dial: { host, port }, connection }: LoginTarget, signal: AbortSignal): Socket {
  signal.throwIfAborted()
  const socket = new Socket()
  connection?.watch(socket)
  return socket.connect(port, host)
}

async function dialByCaller(socket: () => unknown): Promise<Duplex> {
  let dialled: unknown
  try {
    dialled = await socket()
  } catch (error) {
    throw error instanceof Error
      ? error
      : invalidOption('socket', 'threw a value that is not an Error', error)
  }
  if (dialled instanceof Duplex) return dialled
  throw invalidOption('socket', 'did not return a socket')
}

async function requestTls(socket: Duplex, { endpoint: { host, port } }: LoginTarget): Promise<void> {
  socket.write(SSL_REQUEST)
  const answer = (await arrival(socket, 'data')) as Buffer
  if (answer.length === 1 && answer[0] === 'S'.charCodeAt(0)) return
  throw new RdsIamError('TLS_REQUIRED', `ssl: ${host}:${port} offers no TLS: no token was sent`)
}
