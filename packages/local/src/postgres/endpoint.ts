import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { TLSSocket, type SecureContext } from 'node:tls'
import { backendLogin, type Backend } from '../backend'
import { ProtocolError, readBytes } from '../byte-reader'
import type { Refused } from '../iam/refusal'
import { backendFailure, clientAddress, type LoginContext } from '../login'
import { closeGently, relay } from '../relay'
import { acceptTls } from '../tls-server'
import { logInToBackend, secureIfConfigured } from './backend-login'
import {
  authenticationRequest,
  fatal,
  int32,
  parseStartup,
  readMessage,
  REQUEST_CODES,
  startupParameter,
  withStartupParameters,
  type Startup,
} from './messages'

const TLS_HANDSHAKE = 0x16
const ALPN = 'postgresql'
// PostgreSQL's own limit.
const MAX_STARTUP = 10_000
// Since protocol 3.2 a cancel key may have 256 bytes.
const MAX_CANCEL = 268

/** The differences between PostgreSQL on RDS and Aurora DSQL. */
export interface PostgresService {
  /** Returns the default database of a user. */
  defaultDatabase(user: string): string
  /** Returns the error for a client whose token was refused. */
  refusal(user: string, refused: Refused): Buffer
  /** Returns the startup parameters to set in the session with the backend. */
  parameters(database: string, backend: Backend): Record<string, string>
  /** Relays the session. */
  relay(stream: Duplex, upstream: Duplex, context: LoginContext): void
}

const RDS: PostgresService = {
  defaultDatabase: (user) => user,
  refusal: (user) => fatal('28000', `PAM authentication failed for user "${user}"`),
  parameters: (database) => ({ database }),
  relay,
}

/** Serves a PostgreSQL client: requires TLS and a token, and relays the session; or forwards a cancel request. */
export async function servePostgres(
  client: Socket,
  context: LoginContext,
  service: PostgresService = RDS,
): Promise<void> {
  const opening = await readOpening(client, context.secureContext)
  const { stream } = opening
  if ('cancelRequest' in opening) {
    await forwardCancel(client, opening.cancelRequest, context)
    closeGently(stream)
    return
  }
  const { startup } = opening
  const user = startupParameter(startup, 'user') ?? ''
  const database = startupParameter(startup, 'database') ?? service.defaultDatabase(user)
  if (user === '')
    return closeGently(stream, fatal('28000', 'no PostgreSQL user name specified in startup packet'))
  if (context.secureContext !== undefined && !(stream instanceof TLSSocket)) {
    context.recordRefusal(user, 'TLS_REQUIRED', 'the login came without TLS')
    const address = clientAddress(client)
    const entry = `no pg_hba.conf entry for host "${address}", user "${user}", database "${database}", no encryption`
    return closeGently(stream, fatal('28000', entry))
  }

  stream.write(authenticationRequest(3))
  const answer = await readMessage(stream)
  if (answer.type !== 'p') return closeGently(stream, fatal('08P01', 'expected password response'))
  const token = answer.body.toString('utf8').replace(/\0$/, '')
  const verdict = context.authorize(user, token)
  if (!verdict.accepted) return closeGently(stream, service.refusal(user, verdict))
  const { backend } = context
  try {
    const upstream = await secureIfConfigured(await openUpstream(client, context), backend)
    const session = withStartupParameters(startup, service.parameters(database, backend))
    const login = await logInToBackend(upstream, session, backendLogin(backend, user))
    if (!login.accepted) return closeGently(stream, login.messages)
    stream.write(login.messages)
    service.relay(stream, upstream, context)
  } catch (error) {
    closeGently(stream, fatal('57P03', backendFailure(error)))
  }
}

type Opening = { stream: Duplex } & ({ startup: Startup } | { cancelRequest: Buffer })

/** Responds to requests for encryption, and reads the startup message or cancel request that follows. */
async function readOpening(client: Socket, secureContext: SecureContext | undefined): Promise<Opening> {
  const first = await readBytes(client, 1)
  client.unshift(first)
  let stream: Duplex = client
  if (first[0] === TLS_HANDSHAKE) {
    if (secureContext === undefined) throw new ProtocolError('no TLS is offered')
    const secure = await acceptTls(client, secureContext, [ALPN])
    if (secure.alpnProtocol !== ALPN) throw new ProtocolError('direct TLS without ALPN')
    stream = secure
  }
  // A client may request each kind of encryption once.
  for (const asked = new Set<number>(); ;) {
    const packet = await readStartupPacket(stream)
    const { code } = packet
    if (code !== REQUEST_CODES.ssl && code !== REQUEST_CODES.gssenc) return opening(stream, packet)
    if (stream !== client || asked.has(code))
      throw new ProtocolError('the client requested the same encryption twice')
    asked.add(code)
    if (code === REQUEST_CODES.ssl && secureContext !== undefined) {
      client.write('S')
      stream = await acceptTls(client, secureContext, [ALPN])
    } else client.write('N')
  }
}

interface StartupPacket {
  code: number
  body: Buffer
}

async function readStartupPacket(stream: Duplex): Promise<StartupPacket> {
  const head = await readBytes(stream, 8)
  const size = head.readUInt32BE(0)
  if (size < 8 || size > MAX_STARTUP)
    throw new ProtocolError('the length of the startup message is out of range')
  return { code: head.readUInt32BE(4), body: await readBytes(stream, size - 8) }
}

function opening(stream: Duplex, { code, body }: StartupPacket): Opening {
  if (code === REQUEST_CODES.cancel) {
    if (body.length > MAX_CANCEL - 8) throw new ProtocolError('the cancel key is too long')
    return { stream, cancelRequest: Buffer.concat([int32(body.length + 8), int32(code), body]) }
  }
  if (code >>> 16 !== 3) throw new ProtocolError('only protocol 3 is known')
  return { stream, startup: parseStartup(code, body) }
}

/** Opens a connection to the backend that closes with the client's. */
async function openUpstream(client: Socket, context: LoginContext): Promise<Socket> {
  const upstream = await context.openBackend()
  if (client.destroyed) upstream.destroy()
  client.once('close', () => upstream.destroy())
  return upstream
}

async function forwardCancel(client: Socket, request: Buffer, context: LoginContext): Promise<void> {
  const backend = await secureIfConfigured(await openUpstream(client, context), context.backend)
  // The server closes the connection once it has acted on the request.
  const closed = new Promise<void>((resolve) => backend.once('close', resolve))
  backend.resume()
  backend.end(request)
  await closed
}
