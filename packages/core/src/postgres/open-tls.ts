import { isIP, Socket } from 'node:net'
import { addAbortSignal, Duplex, finished } from 'node:stream'
import { connect, type ConnectionOptions, type TLSSocket } from 'node:tls'
import { invalidOption, RdsIamError } from '../errors'
import type { IamLogin } from '../login/iam-login'
import type { LoginTarget } from '../login/login-target'
import { checkCertificate, requireTls } from '../tls/verify'
import type { PostgresSettings } from './socket'

/** PostgreSQL's SSLRequest message: its length, and a number that no version of the protocol has. */
const SSL_REQUEST = Buffer.from([0, 0, 0, 8, 4, 210, 22, 47])

/** TLS from the first byte needs the protocol's name. */
const DIRECT = { ALPNProtocols: ['postgresql'] }

interface Opening {
  settings: PostgresSettings
  /** The caller's own `socket` function. */
  dialWith: unknown
  /** Destroys the socket, also after it was opened. */
  signal: AbortSignal
}

/** Dials a PostgreSQL server and begins TLS with it; the socket's chain and host name are verified. */
export async function openTls(login: IamLogin, target: LoginTarget, opening: Opening): Promise<TLSSocket> {
  const { settings, dialWith, signal } = opening
  const raw =
    typeof dialWith === 'function' ? await dialByCaller(() => dialWith(settings)) : dial(target, signal)
  addAbortSignal(signal, raw)
  try {
    if (typeof dialWith !== 'function') await arrival(raw, 'connect')
    const direct = settings.sslnegotiation === 'direct'
    if (!direct) await requestTls(raw, target)
    const socket = connect({ ...tlsOptions(login, target), socket: raw, ...(direct ? DIRECT : {}) })
    await arrival(socket, 'secureConnect')
    requireTls(socket)
    if (settings.keep_alive) socket.setKeepAlive(true, Number(settings.keep_alive) * 1_000)
    return socket
  } catch (error) {
    raw.destroy()
    throw error
  }
}

/** Rejects when a socket fails or its server closes it; from then on no error of the socket is uncaught. */
export function untilClosed(socket: Duplex): Promise<never> {
  return new Promise((_, reject) => {
    finished(socket, { writable: false }, (error) => {
      reject(error ?? new Error('the server closed the connection before it was open'))
    })
  })
}

/** Waits for an event of a socket, or for its end. */
function arrival(socket: Duplex, event: string): Promise<unknown> {
  return Promise.race([new Promise((resolve) => socket.once(event, resolve)), untilClosed(socket)])
}

function dial({ dial: { host, port } }: LoginTarget, signal: AbortSignal): Socket {
  signal.throwIfAborted()
  return new Socket().connect(port, host)
}

async function dialByCaller(socket: () => unknown): Promise<Duplex> {
  let dialled: unknown
  try {
    dialled = await socket()
  } catch (error) {
    throw error instanceof Error ? error : invalidOption('socket', 'threw something that is no error', error)
  }
  if (dialled instanceof Duplex) return dialled
  throw invalidOption('socket', 'returned no socket')
}

async function requestTls(socket: Duplex, { endpoint: { host, port } }: LoginTarget): Promise<void> {
  socket.write(SSL_REQUEST)
  const answer = (await arrival(socket, 'data')) as Buffer
  if (answer.length === 1 && answer[0] === 'S'.charCodeAt(0)) return
  throw new RdsIamError('TLS_REQUIRED', `ssl: ${host}:${port} offers no TLS: no token was sent`)
}

function tlsOptions(login: IamLogin, target: LoginTarget): ConnectionOptions {
  const { host } = target.endpoint
  return {
    ...login.ssl,
    secureContext: login.secureContext(target),
    ...(isIP(host) ? {} : { servername: host }),
    rejectUnauthorized: true,
    checkServerIdentity: (_, certificate) =>
      checkCertificate(host, certificate, login.ssl.checkServerIdentity),
  }
}
