import type { TLSSocket } from 'node:tls'
import type { Address } from '../address'
import { findServer } from '../cluster/find-server'
import { openPostgresProbe } from '../cluster/postgres-probe'
import type { Session } from '../cluster/probe'
import { copyError, isRdsIamError, RdsIamError } from '../errors'
import { readUser } from '../iam-options'
import type { Login } from '../login/login'
import { withTimeout } from '../with-timeout'
import { connectionError, DriverSocket } from './driver-socket'
import type { LoginWatch } from './login-watch'
import { openTls, untilClosed, type PostgresSettings } from './open-tls'

/** The hosts in one settings object, and the index of the host that the next connection tries first. */
interface Hosts {
  all: Address[]
  next: number
}

/** Errors that would be the same at every host: do not try the next one. */
const CREDENTIAL_FAULTS = new Set(['CREDENTIALS_UNAVAILABLE', 'CREDENTIALS_EXPIRED', 'TOKEN_TIMEOUT'])

/**
 * Creates postgres.js's `socket` function. It never rejects, because postgres.js would then lose the connection's slot
 * in its pool. Instead, the socket that it returns fails.
 */
export function createSocket(login: Login, watch: LoginWatch, dialWith: unknown) {
  const hostsBySettings = new WeakMap<string[], Hosts>()

  function hostsOf(settings: PostgresSettings): Hosts {
    let found = hostsBySettings.get(settings.host)
    if (!found) {
      const { host, port } = settings
      // Internal of postgres.js (tested: 3.4.4 to 3.4.9): `sql.options.host` is the list of hosts that it tries. With
      // several hosts it hides errors and retries for ever, so we leave one host in the list and try the others
      // ourselves. If it copied the list first, a login would never fail when all of several hosts are down.
      settings.host = host.slice(0, 1)
      found = { all: host.map((name, at) => ({ host: name, port: port[at] as number })), next: 0 }
      hostsBySettings.set(settings.host, found)
    }
    return found
  }

  async function open(socket: DriverSocket, settings: PostgresSettings, hosts: Hosts): Promise<TLSSocket> {
    if (settings.ssl) {
      throw new RdsIamError(
        'TLS_REQUIRED',
        'ssl: pass it to postgresConfig(), which sets up TLS; do not set it afterwards',
      )
    }
    const user = readUser(settings.user, 'user')
    const { all } = hosts
    // Start with the next host: postgres.js calls us again when `target_session_attrs` does not match.
    const first = settings.target_session_attrs ? hosts.next++ : 0
    let failure: unknown
    for (let count = 0; count < all.length; count++) {
      const address = all[(first + count) % all.length] as Address
      const abort = new AbortController()
      const signal = AbortSignal.any([socket.signal, abort.signal])
      Object.assign(socket, address)
      try {
        // Divide the time: postgres.js's own limit is for all hosts together.
        const limitMs = (secondsOf(settings.connect_timeout) * 1_000) / all.length
        const opening = openOne(
          socket,
          address,
          { user, database: settings.database, limitMs },
          settings,
          signal,
        )
        return await (limitMs > 0
          ? withTimeout(limitMs, opening, () => connectionError('CONNECT_TIMEOUT', address))
          : opening)
      } catch (error) {
        abort.abort()
        failure = error
        if (socket.destroyed || (isRdsIamError(error) && CREDENTIAL_FAULTS.has(error.code))) break
      }
    }
    // Copy the error: postgres.js writes its query into it, and several logins may share our error.
    throw isRdsIamError(failure) ? copyError(failure) : failure
  }

  async function openOne(
    socket: DriverSocket,
    address: Address,
    session: Session & { limitMs: number },
    settings: PostgresSettings,
    signal: AbortSignal,
  ): Promise<TLSSocket> {
    if (socket.cancelKey) {
      // Cancel the query at the server where it runs, wherever new connections go.
      const target = watch.targetByKey(socket.cancelKey) ?? (await login.target(address))
      return openTls(login, { ...target, connection: undefined }, { settings, dialWith, signal })
    }
    const target = await findServer(login, address, { ...session, socket, openProbe: openPostgresProbe })
    const { connection: server } = target
    socket.isPaced = server !== undefined
    try {
      const opening = openTls(login, target, { settings, dialWith, signal })
      const ready = Promise.all([opening, login.attempt(target, session.user)])
      const [connection, attempt] = await Promise.race([ready, opening.then(untilClosed)])
      if (server) {
        // A replication stream may be silent for long.
        server.isWaiting = () => socket.isWaiting && !settings.connection?.replication
        server.watchSilence(socket)
      }
      watch.login(socket, target, attempt)
      return connection
    } catch (error) {
      server?.failed(error)
      throw error
    }
  }

  return (settings: PostgresSettings): DriverSocket => {
    const hosts = hostsOf(settings)
    return new DriverSocket((socket) => open(socket, settings, hosts))
  }
}

/** Reads a time limit of postgres.js, which is a number or a function. */
function secondsOf(limit: unknown): number {
  return Number(typeof limit === 'function' ? limit() : limit)
}
