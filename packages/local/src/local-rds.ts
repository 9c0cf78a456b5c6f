import type { Socket } from 'node:net'
import { createSecureContext, type SecureContext } from 'node:tls'
import { createAudit, type LocalRdsEmitter, type LoginEvent } from './audit'
import { connectBackend, parseBackendUrl, type Backend } from './backend'
import { createAuthority } from './certificate'
import { checkNames } from './checks'
import { changeConfiguration, CONFIGURATION_NAMES, type LocalRdsConfiguration } from './configuration'
import { startControl, type Control, type ControlAccess } from './control/control-endpoint'
import { parseEndpointName } from './endpoint-name'
import type { Engine } from './engine'
import { identityEnvironment, type TestIdentity } from './iam/identity'
import { listenOnAddress, listenOnLoopback } from './listener'
import { LOGIN_TIME_MS, type LoginContext, type LoginHandler } from './login'
import { createLoginDecisions } from './login-decisions'
import { serveMysql } from './mysql/endpoint'
import { resolveOptions, type LocalRdsOptions, type ResolvedOptions } from './options'
import { servePostgres } from './postgres/endpoint'
import { startMysql } from './servers/mysql-server'
import { startPostgres } from './servers/postgres-server'
import { createSocketSet } from './socket-set'

/** An endpoint that is running. */
export interface LocalRds {
  /** Its engine. */
  readonly engine: Engine
  /** Where this machine reaches it: `localhost`, that is 127.0.0.1 and ::1, or the one address it listens on. */
  readonly host: string
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
  /** What decides about logins at present; the identities' secrets are in it. */
  readonly configuration: LocalRdsConfiguration
  /** Address and token of the control endpoint, if one was asked for. */
  readonly control: ControlAccess | undefined
  /** Environment variables with which an AWS SDK finds the first identity and the region. */
  readonly env: Record<string, string>
  /** Emits `login` for each decision, `connection` and `disconnection` for each TCP connection. */
  readonly events: LocalRdsEmitter
  /** The latest logins, the oldest first; at most 10,000. */
  readonly logins: readonly LoginEvent[]
  /** Number of client sockets that are open. */
  readonly openConnections: number
  /**
   * Replaces parts of the configuration; sessions that are open stay. What changes at once is in force when it
   * resolves: the certificate covers new endpoints, and a database that was started here has the new users.
   * `ca` stays what it is.
   * @throws {TypeError} with the name of the value that is wrong; nothing has changed then.
   */
  configure(change: Partial<LocalRdsConfiguration>): Promise<void>
  /**
   * Replaces the identities at once; sessions that are open stay.
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
  await checkPort(resolved)
  const prepared = await prepareBackend(resolved)
  try {
    resolved.signal?.throwIfAborted()
    return await listen(resolved, prepared)
  } catch (error) {
    await prepared.stop()
    throw error
  }
}

/** Finds out that a port is taken before a database was started for nothing. */
async function checkPort(options: ResolvedOptions): Promise<void> {
  if (options.port !== 0) await (await openListener(options, (socket) => socket.destroy())).close()
}

function openListener(
  { host, port }: ResolvedOptions,
  onConnection: (socket: Socket) => void,
): ReturnType<typeof listenOnLoopback> {
  return host === undefined ? listenOnLoopback(port, onConnection) : listenOnAddress(host, port, onConnection)
}

interface PreparedBackend {
  backend: Backend
  addUsers(users: readonly string[]): Promise<void>
  stop(): Promise<void>
}

async function prepareBackend(options: ResolvedOptions): Promise<PreparedBackend> {
  const { engine, backend, backendUsers, configuration, signal } = options
  if (backend !== undefined)
    return {
      backend: parseBackendUrl(engine, backend, backendUsers),
      addUsers: () => Promise.resolve(), // they run as the URL's user
      stop: () => Promise.resolve(),
    }
  const { url, socketPath, logins, addUsers, stop } = await SERVERS[engine]({
    users: configuration.users,
    ...(signal === undefined ? {} : { signal }),
  })
  const place = {
    ...parseBackendUrl(engine, url, logins),
    ...(socketPath === undefined ? {} : { socketPath }),
  }
  return { backend: { ...place, countsDroppedLogins: false }, addUsers, stop }
}

async function listen(
  options: ResolvedOptions,
  { backend, addUsers, stop }: PreparedBackend,
): Promise<LocalRds> {
  const { engine } = options
  const authority = await createAuthority()
  const secure = async (names: readonly string[]): Promise<SecureContext | undefined> => {
    if (!options.tls) return undefined
    return createSecureContext(await authority.issue(names.map((name) => parseEndpointName(name).host)))
  }
  let { configuration } = options
  let secureContext = await secure(configuration.endpoints)
  const audit = createAudit()
  const decisions = createLoginDecisions(options)
  const clients = createSocketSet()
  const links = createSocketSet()
  let control: Control | undefined
  let closing: Promise<void> | undefined

  const context: LoginContext = {
    get secureContext() {
      return secureContext
    },
    backend,
    async openBackend() {
      const link = await connectBackend(backend)
      links.add(link)
      if (closing !== undefined) link.destroy()
      return link
    },
    authorize(user, token) {
      const time = new Date()
      const verdict = decisions.decide(user, token, time, { configuration, port: listener.port })
      audit.record(time, user, verdict)
      return verdict.accepted
    },
    recordRefusal(user, reason, detail) {
      audit.record(new Date(), user, { accepted: false, reason, detail })
    },
  }
  const listener = await openListener(options, (client) => {
    clients.add(client)
    audit.events.emit('connection', { time: new Date() })
    client.once('close', () => audit.events.emit('disconnection', { time: new Date() }))
    serve(client, HANDLERS[engine], context)
  })
  const change = async (wanted: Partial<LocalRdsConfiguration>): Promise<void> => {
    checkNames('configure', wanted, CONFIGURATION_NAMES)
    const { users, endpoints } = changeConfiguration(configuration, wanted)
    if (wanted.users !== undefined) await addUsers(users)
    if (wanted.endpoints !== undefined) secureContext = await secure(endpoints)
    configuration = changeConfiguration(configuration, wanted)
  }
  let changes = Promise.resolve()
  const close = async (): Promise<void> => {
    const stopped = listener.close()
    await control?.close()
    await clients.destroy()
    await stopped
    await links.destroy()
    await changes
    await stop()
  }
  const rds: LocalRds = {
    engine,
    host: options.host === undefined || isWildcard(options.host) ? 'localhost' : options.host,
    port: listener.port,
    ca: authority.ca,
    database: backend.database,
    events: audit.events,
    get user() {
      return configuration.users[0] ?? ''
    },
    get region() {
      return configuration.region
    },
    get configuration() {
      return changeConfiguration(configuration, {})
    },
    get control() {
      return control?.access
    },
    get env() {
      return identityEnvironment(configuration.identities[0], configuration.region)
    },
    get logins() {
      return [...audit.logins]
    },
    get openConnections() {
      return clients.size
    },
    configure(wanted) {
      const changed = changes.then(() => change(wanted))
      changes = changed.catch(() => {})
      return changed
    },
    setIdentities(identities) {
      configuration = changeConfiguration(configuration, { identities })
    },
    dropConnections() {
      void clients.destroy()
    },
    close() {
      closing ??= close()
      return closing
    },
  }
  try {
    if (options.controlPort !== undefined) control = await startControl(rds, options.controlPort)
  } catch (error) {
    await Promise.all([listener.close(), clients.destroy()])
    throw error
  }
  return rds
}

function isWildcard(host: string): boolean {
  return host === '0.0.0.0' || host === '::'
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
