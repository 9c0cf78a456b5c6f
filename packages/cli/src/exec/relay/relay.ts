import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { Login } from '@rds-iam/core/internal'
import { requireEndpoint, type LoginOptions } from '../../login/options'
import type { ClientLogin } from '../environment'
import { serveMysql } from './mysql'
import { servePostgres } from './postgres'
import type { Serve, Upstream } from './upstream'

const SERVE: Record<LoginOptions['engine'], Serve> = { postgres: servePostgres, mysql: serveMysql }

/** The time limit for a client's login. */
const LIMIT_MS = 10_000

/**
 * Logs in clients to an endpoint behind a tunnel. Most clients verify the certificate for the name that they dial. The
 * relay dials the tunnel, verifies the certificate for the endpoint's name, and sends a token.
 *
 * It listens on TCP: most tools take only a URL, and no URL of a Unix socket works with all drivers. Every user of the
 * machine can connect to the relay, so a client must send a password. The password is random, valid for this run, and
 * only in the command's environment or its private files.
 */
export class Relay {
  readonly #upstream: Upstream
  readonly #serve: Serve
  readonly #server: Server
  readonly #clients = new Set<Socket>()

  private constructor(upstream: Upstream, serve: Serve) {
    this.#upstream = upstream
    this.#serve = serve
    // A client may end its side before the answer, as after a cancel request.
    this.#server = createServer({ noDelay: true, allowHalfOpen: true }, (client) => {
      this.#accept(client).catch(() => client.destroy())
    })
  }

  /**
   * Opens a relay.
   *
   * @throws {RdsIamError} if there is no region, or there are no CA certificates or credentials
   */
  static async open(options: LoginOptions): Promise<Relay> {
    const { engine, dial, user, region, profile, ssl = {} } = options
    const login = new Login({ region, profile, endpoint: requireEndpoint(options) }, ssl, engine)
    const target = await login.target(dial)
    // Fail before the command starts if there are no CA certificates or no token.
    login.cas(target)
    await login.token(target, user)
    const relay = new Relay({ login, target, user, password: randomBytes(32).toString('hex') }, SERVE[engine])
    await once(relay.#server.listen(0, '127.0.0.1'), 'listening')
    // Keep the relay when a client cannot be accepted.
    relay.#server.on('error', () => {})
    return relay
  }

  /** The address and password that a client logs in with. */
  get login(): ClientLogin {
    const { port } = this.#server.address() as AddressInfo
    return { host: '127.0.0.1', port, password: this.#upstream.password }
  }

  close(): void {
    this.#server.close()
    for (const client of this.#clients) client.destroy()
  }

  async #accept(client: Socket): Promise<void> {
    this.#clients.add(client)
    const end = new AbortController()
    client
      .on('error', () => {})
      .once('close', () => {
        this.#clients.delete(client)
        end.abort()
      })
    const limit = setTimeout(() => client.destroy(), LIMIT_MS)
    const server = await this.#serve(client, this.#upstream, end.signal).finally(() => clearTimeout(limit))
    if (server) connect(client, server)
  }
}

function connect(client: Socket, server: Duplex): void {
  // The functions that open the server's connection also handle its later errors.
  server.once('close', () => client.destroySoon())
  if (client.destroyed) server.destroy()
  client.pipe(server).pipe(client)
}
