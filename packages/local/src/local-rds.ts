import type { Socket } from 'node:net'
import { createSecureContext, type SecureContext } from 'node:tls'
import { Audit, type LocalRdsEmitter, type LoginEvent } from './audit'
import { connectBackend } from './backend'
import { startBackendServer, type BackendServer } from './backend-server'
import { createAuthority, type Authority } from './certificate'
import { startControl, type Control, type ControlAccess } from './control/control-endpoint'
import { parseEndpointName } from './endpoint-name'
import { DSQL_DATABASE, type Engine } from './defaults'
import { identityEnvironment, type TestIdentity } from './iam/identity'
import { listen, type Listener } from './listener'
import { LOGIN_TIME_MS, type LoginContext, type LoginHandler } from './login'
import { LoginDecisions } from './login-decisions'
import { serveMysql } from './mysql/endpoint'
import type { LocalRdsConfiguration, LocalRdsOptions } from './options'
import { serveDsql } from './dsql/endpoint'
import { servePostgres } from './postgres/endpoint'
import {
  changeConfiguration,
  checkDsqlOptions,
  resolveOptions,
  type ResolvedOptions,
} from './resolve-options'
import { SocketSet } from './socket-set'

const HANDLERS: Record<Engine, LoginHandler> = { postgres: servePostgres, mysql: serveMysql, dsql: serveDsql }

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
export function startLocalRds(options: LocalRdsOptions = {}): Promise<LocalRds> {
  return LocalRds.start(options)
}

/** Maximum duration of a DSQL session, in seconds. */
const MAX_SESSION_SECONDS = 3600

/** A running endpoint. */
export class LocalRds {
  /** Database engine. */
  readonly engine: Engine
  /** Host to connect to: `localhost` (127.0.0.1 and ::1), or the one address that the endpoint listens on. */
  readonly host: string
  /** Certificate of the CA that signed the endpoint's certificate, in PEM. */
  readonly ca: string
  /** Database behind the endpoint, `postgres` for DSQL; empty when the backend's URL names none. */
  readonly database: string
  /** Emits `login` for each decision, `connection` and `disconnection` for each TCP connection. */
  readonly events: LocalRdsEmitter

  readonly #options: ResolvedOptions
  readonly #server: BackendServer
  readonly #authority: Authority
  readonly #decisions: LoginDecisions
  readonly #audit = new Audit()
  readonly #clients = new SocketSet()
  readonly #sessions = new SocketSet()
  readonly #upstreams = new SocketSet()
  /** What is to be done when the endpoint is thawed; undefined while it is not frozen. */
  #whenThawed: (() => void)[] | undefined
  #configuration: LocalRdsConfiguration
  #secureContext: SecureContext | undefined
  #listener!: Listener // set by #listen, before anyone has this object
  #control: Control | undefined
  #changes = Promise.resolve()
  #closing: Promise<void> | undefined

  private constructor(options: ResolvedOptions, { server, authority }: LocalRdsParts) {
    const { engine, host, configuration } = options
    this.engine = engine
    this.host = host === undefined || host === '0.0.0.0' || host === '::' ? 'localhost' : host
    this.ca = authority.ca
    this.database = engine === 'dsql' ? DSQL_DATABASE : server.backend.database
    this.events = this.#audit.events
    this.#options = options
    this.#server = server
    this.#authority = authority
    this.#decisions = new LoginDecisions(options)
    this.#configuration = configuration
  }

  /** Starts an endpoint, as {@link startLocalRds} does. */
  static async start(options: LocalRdsOptions = {}): Promise<LocalRds> {
    const resolved = resolveOptions(options)
    await checkPort(resolved)
    const server = await startBackendServer(resolved)
    try {
      resolved.signal?.throwIfAborted()
      return await LocalRds.listen(resolved, { server, authority: await createAuthority() })
    } catch (error) {
      await server.remove?.()
      throw error
    }
  }

  /**
   * Starts an endpoint with a database and a CA that exist.
   *
   * @internal
   */
  static async listen(options: ResolvedOptions, parts: LocalRdsParts): Promise<LocalRds> {
    const rds = new LocalRds(options, parts)
    await rds.#listen()
    return rds
  }

  /** TCP port. */
  get port(): number {
    return this.#listener.port
  }

  /** The first database user. */
  get user(): string {
    return this.#configuration.users[0] ?? ''
  }

  /** Region that tokens must be signed for. */
  get region(): string {
    return this.#configuration.region
  }

  /** The current configuration, with the secrets of the identities. */
  get configuration(): LocalRdsConfiguration {
    return changeConfiguration(this.#configuration, {})
  }

  /** URL and token of the control endpoint; undefined when there is none. */
  get control(): ControlAccess | undefined {
    return this.#control?.access
  }

  /** Environment variables with which an AWS SDK finds the first identity and the region. */
  get env(): Record<string, string> {
    return identityEnvironment(this.#configuration.identities[0], this.#configuration.region)
  }

  /** The latest logins, the oldest first; at most 10,000. */
  get logins(): readonly LoginEvent[] {
    return [...this.#audit.logins]
  }

  /** Number of open client sockets. */
  get openConnections(): number {
    return this.#clients.size
  }

  /**
   * Replaces parts of the configuration; open sessions stay. When it resolves, the change is in force: the certificate
   * covers new endpoints, and a database that was started here has the new users. `ca` does not change.
   *
   * @throws {TypeError} with the name of the wrong value; nothing has changed then.
   */
  configure(change: Partial<LocalRdsConfiguration>): Promise<void> {
    const changed = this.#changes.then(() => this.#change(change))
    this.#changes = changed.catch(() => {})
    return changed
  }

  /**
   * Replaces the identities at once; open sessions stay.
   *
   * @throws {TypeError} when one of them could not sign a token.
   */
  setIdentities(identities: readonly TestIdentity[]): void {
    this.#configuration = changeConfiguration(this.#configuration, { identities })
  }

  /** Closes all client connections at once, without a message, as a failover does. */
  dropConnections(): void {
    void this.#clients.destroy()
  }

  /**
   * Closes all client connections at once, without a message, and refuses new ones, as a host whose server died.
   * {@link resume} ends it.
   */
  async suspend(): Promise<void> {
    this.#whenThawed = undefined
    const stopped = this.#listener.close()
    await Promise.all([stopped, this.#clients.destroy()])
  }

  /** Accepts connections again after {@link suspend}. */
  async resume(): Promise<void> {
    const { host } = this.#options
    this.#listener = await listen({ host, port: this.port }, (client) => this.#serve(client))
  }

  /**
   * Falls silent, as a host that hangs: connections stay open, and new ones are accepted by the operating system, but
   * nothing is read from them and nothing is sent. {@link thaw} and {@link suspend} end it.
   */
  freeze(): void {
    this.#whenThawed ??= []
    this.#sessions.pause()
  }

  /** Continues after {@link freeze}, with what the clients sent meanwhile. */
  thaw(): void {
    const actions = this.#whenThawed ?? []
    this.#whenThawed = undefined
    this.#sessions.resume()
    for (const action of actions) action()
  }

  /** Closes everything, and stops the database that was started; resolves when nothing is left. */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #listen(): Promise<void> {
    this.#secureContext = await this.#issueCertificate(this.#configuration.endpoints)
    this.#listener = await listen(this.#options, (client) => this.#serve(client))
    const { control } = this.#options
    if (control === undefined) return
    try {
      this.#control = await startControl(this, control)
    } catch (error) {
      await Promise.all([this.#listener.close(), this.#clients.destroy()])
      throw error
    }
  }

  async #issueCertificate(endpoints: readonly string[]): Promise<SecureContext | undefined> {
    if (!this.#options.tls) return undefined
    return createSecureContext(
      await this.#authority.issue(endpoints.map((name) => parseEndpointName(name).host)),
    )
  }

  async #change(change: Partial<LocalRdsConfiguration>): Promise<void> {
    const { users, endpoints } = changeConfiguration(this.#configuration, change)
    checkDsqlOptions(this.engine, change)
    if (change.users !== undefined) await this.#server.addUsers?.(users)
    if (change.endpoints !== undefined) this.#secureContext = await this.#issueCertificate(endpoints)
    // Once more: setIdentities may have replaced the identities meanwhile.
    this.#configuration = changeConfiguration(this.#configuration, change)
  }

  async #close(): Promise<void> {
    const stopped = this.#listener.close()
    await this.#control?.close()
    await this.#clients.destroy()
    await stopped
    await this.#upstreams.destroy()
    await this.#changes
    await this.#server.remove?.()
  }

  #serve(client: Socket): void {
    this.#clients.add(client)
    this.events.emit('connection', { time: new Date() })
    client.once('close', () => this.events.emit('disconnection', { time: new Date() }))
    this.#actWhenThawed(() => this.#serveNow(client))
  }

  #actWhenThawed(action: () => void): void {
    if (this.#whenThawed === undefined) action()
    else this.#whenThawed.push(action)
  }

  /** Serves one client until it has a session or was refused, within the time limit. */
  #serveNow(client: Socket): void {
    // A timer of AbortSignal runs also when a test replaced the global timers, and keeps no process alive.
    const limit = AbortSignal.timeout(LOGIN_TIME_MS)
    const drop = (): void => void client.destroy()
    limit.addEventListener('abort', drop)
    HANDLERS[this.engine](client, this.#loginContext())
      .catch(drop)
      .finally(() => limit.removeEventListener('abort', drop))
  }

  /** What a login needs: the certificate is the one of the moment when the client connected. */
  #loginContext(): LoginContext {
    const { backend, rewrite } = this.#server
    return {
      secureContext: this.#secureContext,
      backend,
      rewrite,
      openBackend: async () => {
        const upstream = await connectBackend(backend)
        this.#upstreams.add(upstream)
        if (this.#closing !== undefined) upstream.destroy()
        return upstream
      },
      sessionOpened: (...streams) => {
        for (const stream of streams) this.#sessions.add(stream)
        if (this.#whenThawed !== undefined) this.freeze()
      },
      whenThawed: (action) => this.#actWhenThawed(action),
      authorize: (user, token) => {
        const time = new Date()
        const current = { configuration: this.#configuration, port: this.port }
        const verdict = this.#decisions.decide(user, token, time, current)
        this.#audit.record(time, user, verdict)
        return verdict
      },
      maxSessionMs: Math.ceil((this.#configuration.maxSessionSeconds ?? MAX_SESSION_SECONDS) * 1000),
      takeConflict: () => {
        const { conflicts = 0, conflictCode = 'OC000' } = this.#configuration
        if (conflicts === 0) return undefined
        this.#configuration = { ...this.#configuration, conflicts: conflicts - 1 }
        return conflictCode
      },
      recordRefusal: (user, reason, detail) =>
        this.#audit.record(new Date(), user, { accepted: false, reason, detail }),
    }
  }
}

/** Fails for a taken port before a database is started. */
async function checkPort(options: ResolvedOptions): Promise<void> {
  if (options.port !== 0) await (await listen(options, (socket) => socket.destroy())).close()
}

/** What several endpoints may have in common. */
export interface LocalRdsParts {
  server: BackendServer
  authority: Authority
}
