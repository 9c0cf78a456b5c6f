import { Duplex } from 'node:stream'
import type { TLSSocket } from 'node:tls'
import { isRdsIamError, RdsIamError } from '../errors'
import { checkHost, checkUser, readPort, type Address } from '../iam-options'
import type { IamLogin } from '../login/iam-login'
import { withTimeout } from '../with-timeout'
import type { LoginWatch } from './login-watch'
import { openTls } from './open-tls'

/** What we use of the settings that postgres.js hands to a `socket` function: one object for all its connections. */
export interface PostgresSettings {
  host: string[]
  port: unknown[]
  user: string
  ssl?: unknown
  sslnegotiation?: unknown
  target_session_attrs?: unknown
  /** In seconds. */
  connect_timeout?: unknown
}

/** The addresses of one set of settings, and where the next connection begins to try them. */
interface Addresses {
  all: Address[]
  next: number
}

/**
 * Makes postgres.js's `socket` function: for each connection a socket inside verified TLS, with its token at
 * hand. It never rejects, as postgres.js would lose the connection's place in its pool: what went wrong is what
 * the first write to the socket meets.
 */
export function createSocket(login: IamLogin, watch: LoginWatch, dialWith: unknown) {
  const addressesByHosts = new WeakMap<string[], Addresses>()

  function addressesOf(settings: PostgresSettings): Addresses {
    let found = addressesByHosts.get(settings.host)
    if (!found) {
      const { host, port } = settings
      // While it sees another host to try, postgres.js keeps errors to itself and begins again, for ever.
      settings.host = host.slice(0, 1)
      const all = host.map((name, at) => ({
        host: checkHost(name, 'host'),
        port: readPort(port[at], 'port'),
      }))
      addressesByHosts.set(settings.host, (found = { all, next: 0 }))
    }
    return found
  }

  async function open(settings: PostgresSettings): Promise<TLSSocket> {
    const addresses = addressesOf(settings)
    if (settings.ssl) {
      throw new RdsIamError(
        'TLS_REQUIRED',
        'ssl: give it to postgresConfig, not behind rds-iam: it sets TLS up',
      )
    }
    const user = checkUser(settings.user, 'user')
    const { all } = addresses
    // Who has looked at a server and found it to be of another kind asks again.
    const first = settings.target_session_attrs ? addresses.next++ : 0
    let failure: unknown
    for (let count = 0; count < all.length; count++) {
      const address = all[(first + count) % all.length] as Address
      try {
        return await openOne(address, user, settings)
      } catch (error) {
        // Another host has no other credentials.
        if (isRdsIamError(error)) throw error
        failure = error
      }
    }
    throw failure
  }

  async function openOne(address: Address, user: string, settings: PostgresSettings): Promise<TLSSocket> {
    const target = await login.target(address)
    const abort = new AbortController()
    const { signal } = abort
    const coming = login.token(target, user)
    coming.catch((error) => abort.abort(error))
    const opening = openTls(login, target, { settings, dialWith, signal })
    const socket = await withinSeconds(settings.connect_timeout, opening, () => {
      const error = connectTimeout(address)
      abort.abort(error)
      return error
    })
    try {
      watch.login(socket, { login, target, user, token: await coming })
      return socket
    } catch (error) {
      socket.destroy()
      throw error
    }
  }

  return async (settings: PostgresSettings): Promise<Duplex> => open(settings).catch(failing)
}

/** A socket whose first write fails, as a whole connection that failed. */
function failing(error: unknown): Duplex {
  return new Duplex({ read() {}, write: (_chunk, _encoding, done) => done(error as Error) })
}

function withinSeconds<T>(limit: unknown, opening: Promise<T>, onTimeout: () => Error): Promise<T> {
  const seconds = Number(typeof limit === 'function' ? limit() : limit)
  return seconds > 0 ? withTimeout(seconds * 1_000, opening, onTimeout) : opening
}

/** What postgres.js itself says when a connection is not there in time. */
function connectTimeout({ host, port }: Address): Error {
  const code = 'CONNECT_TIMEOUT'
  return Object.assign(new Error(`write ${code} ${host}:${port}`), { code, errno: code, address: host, port })
}
