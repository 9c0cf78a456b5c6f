import type { Socket } from 'node:net'
import { createSecureContext } from 'node:tls'
import { createAudit, type LocalRdsEmitter, type LoginEvent } from './audit'
import { connectBackend, DEFAULT_PORTS, parseBackendUrl, type Backend } from './backend'
import { createCertificate } from './certificate'
import type { Engine } from './engine'
import { identityEnvironment, type TestIdentity } from './iam/identity'
import { verifyToken } from './iam/verify-token'
import { listenOnLoopback } from './listener'
import { LOGIN_TIME_MS, type LoginContext, type LoginHandler } from './login'
import { serveMysql } from './mysql/endpoint'
import {
  acceptedEndpoint,
  checkIdentities,
  resolveOptions,
  type LocalRdsOptions,
  type ResolvedOptions,
} from './options'
import { servePostgres } from './postgres/endpoint'
import { startMysql } from './servers/mysql-server'
import { startPostgres } from './servers/postgres-server'
import { createSocketSet } from './socket-set'

/** An endpoint that is running. */
export interface LocalRds {
  /** Its engine. */
  readonly engine: Engine
  /** Name under which it listens: `localhost`, that is 127.0.0.1 and ::1. */
  readonly host: 'localhost'
  /** TCP port. */
  readonly port: number
  /** Certificate of the authority that signed the endpoint's certificate, in PEM. */
  readonly ca: string
  /** The first database user. */
  readonly user: string
  /** Database that exists behind the endpoint; empty when the backend's URL names none. */
  readonly database: string
  /** Region that tokens must be signed for. */
  readonly region: string
  /** Environment variables with which an AWS SDK finds the first identity and the region. */
  readonly env: Record<string, string>
  /** Emits `login` for each decision, `connection` and `disconnection` for each TCP connection. */
  readonly events: LocalRdsEmitter
  /** The latest logins, the oldest first; at most 10,000. */
  readonly logins: readonly LoginEvent[]
  /** Number of client sockets that are open. */
  readonly openConnections: number
  /**
   * Replaces the identities; sessions that are open stay.
   * @throws {TypeError} when one of them could not sign a token.
   */
  setIdentities(identities: readonly TestIdentity[]): void
  /** Closes all client connections at once and without a word, as a failover does. */
  dropConnections(): void
  /** Closes everything, and stops the database that was started; resolves when nothing is left. */
  close(): Promise<void>
}

const HANDLERS: Record<Engine, LoginHandler> = { postgres: servePostgres, mysql: serveMysql }
const SERVERS = { postgres: startPostgres, mysql: startMysql }

/**
 * Starts an endpoint on loopback that behaves like an RDS endpoint at login, in front of a real database.
 *
 * @throws {TypeError} when an option is wrong, Error when the database or the listener does not start.
 * @example
 * const rds = await startLocalRds()
 * Object.assign(process.env, rds.env)
 * // … connect to rds.host and rds.port as rds.user, trusting rds.ca …
 * await rds.close()
 */
export async function startLocalRds(options: LocalRdsOptions = {}): Promise<LocalRds> {
  const resolved = resolveOptions(options)
  const { backend, stop } = await prepareBackend(resolved)
  try {
    return await listen(resolved, backend, stop)
  } catch (error) {
    await stop()
    throw error
  }
}

interface PreparedBackend {
  backend: Backend
  stop: () => Promise<void>
}

async function prepareBackend({
  engine,
  backend,
  backendUsers,
  users,
}: ResolvedOptions): Promise<PreparedBackend> {
  if (backend !== undefined)
    return { backend: parseBackendUrl(engine, backend, backendUsers), stop: () => Promise.resolve() }
  const { url, logins, stop } = await SERVERS[engine]({ users })
  return { backend: { ...parseBackendUrl(engine, url, logins), countsDroppedLogins: false }, stop }
}

async function listen(
  options: ResolvedOptions,
  backend: Backend,
  stop: () => Promise<void>,
): Promise<LocalRds> {
  const { engine, region, users, requireSlash } = options
  const { ca, cert, key } = await createCertificate(options.endpoints.map(({ host }) => host))
  const audit = createAudit()
  const clients = createSocketSet()
  const links = createSocketSet()
  let { identities } = options
  let closing: Promise<void> | undefined

  const context: LoginContext = {
    secureContext: options.tls ? createSecureContext({ cert, key }) : undefined,
    backend,
    async openBackend() {
      const link = await connectBackend(backend)
      links.add(link)
      if (closing !== undefined) link.destroy()
      return link
    },
    authorize(user, token) {
      const now = new Date()
      const endpoints = options.endpoints.map((name) =>
        acceptedEndpoint(name, listener.port, DEFAULT_PORTS[engine]),
      )
      const verdict = verifyToken(token, { user, users, endpoints, region, identities, requireSlash }, now)
      audit.record(now, user, verdict)
      return verdict.accepted
    },
    recordRefusal(user, reason, detail) {
      audit.record(new Date(), user, { accepted: false, reason, detail })
    },
  }
  const listener = await listenOnLoopback(options.port, (client) => {
    clients.add(client)
    audit.events.emit('connection', { time: new Date() })
    client.once('close', () => audit.events.emit('disconnection', { time: new Date() }))
    serve(client, HANDLERS[engine], context)
  })
  const close = async (): Promise<void> => {
    const stopped = listener.close()
    await clients.destroy()
    await stopped
    await links.destroy()
    await stop()
  }
  return {
    engine,
    host: 'localhost',
    port: listener.port,
    ca,
    user: users[0],
    database: backend.database,
    region,
    events: audit.events,
    get env() {
      return identityEnvironment(identities[0], region)
    },
    get logins() {
      return [...audit.logins]
    },
    get openConnections() {
      return clients.size
    },
    setIdentities(list) {
      identities = checkIdentities(list)
    },
    dropConnections() {
      void clients.destroy()
    },
    close() {
      closing ??= close()
      return closing
    },
  }
}

/** Sees a client through its login, in limited time. */
function serve(client: Socket, handler: LoginHandler, context: LoginContext): void {
  // AbortSignal's timers go on when a test replaces the global ones, and keep no process alive.
  const limit = AbortSignal.timeout(LOGIN_TIME_MS)
  const drop = (): void => void client.destroy()
  limit.addEventListener('abort', drop)
  handler(client, context)
    .catch(drop)
    .finally(() => limit.removeEventListener('abort', drop))
}
