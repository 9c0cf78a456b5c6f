import { once } from 'node:events'
import { isIP, Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { connect, type ConnectionOptions, type TLSSocket } from 'node:tls'
import { RdsIamError } from '../errors'
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
  /** Ends the attempt with its reason. */
  signal: AbortSignal
}

/** Dials a PostgreSQL server and begins TLS with it; the socket's chain and host name are verified. */
export async function openTls(login: IamLogin, target: LoginTarget, opening: Opening): Promise<TLSSocket> {
  const { settings, dialWith, signal } = opening
  const raw = typeof dialWith === 'function' ? ((await dialWith(settings)) as Duplex) : new Socket()
  const giveUp = () => raw.destroy(signal.reason as Error)
  // Whoever waits for the socket hears of its end.
  raw.on('error', () => {})
  if (signal.aborted) giveUp()
  signal.addEventListener('abort', giveUp)
  try {
    if (typeof dialWith !== 'function') await dial(raw as Socket, target)
    const direct = settings.sslnegotiation === 'direct'
    if (!direct) await requestTls(raw, target)
    const socket = connect({ ...tlsOptions(login, target), socket: raw, ...(direct ? DIRECT : {}) })
    await arrival(socket, 'secureConnect')
    requireTls(socket)
    return socket
  } catch (error) {
    raw.destroy()
    throw signal.aborted ? signal.reason : error
  } finally {
    signal.removeEventListener('abort', giveUp)
  }
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

async function dial(socket: Socket, { dial: { host, port } }: LoginTarget): Promise<void> {
  if (!socket.destroyed) socket.connect(port, host)
  await arrival(socket, 'connect')
}

async function requestTls(socket: Duplex, { endpoint: { host, port } }: LoginTarget): Promise<void> {
  socket.write(SSL_REQUEST)
  const [answer] = (await arrival(socket, 'data')) as [Buffer]
  if (answer.length === 1 && answer[0] === 'S'.charCodeAt(0)) return
  throw new RdsIamError('TLS_REQUIRED', `ssl: ${host}:${port} offers no TLS: no token was sent`)
}

/** Waits for an event of a socket that may close instead. */
async function arrival(socket: Duplex, event: string): Promise<unknown[]> {
  const closed = new AbortController()
  const onClose = () => closed.abort()
  socket.once('close', onClose)
  try {
    return await once(socket, event, { signal: closed.signal })
  } catch (error) {
    throw closed.signal.aborted ? new Error('the server closed the connection before it was open') : error
  } finally {
    socket.off('close', onClose)
  }
}
