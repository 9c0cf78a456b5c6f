import { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { readHost, readPort } from '../address'
import { invalidOption, RdsIamError } from '../errors'
import { readUser } from '../iam-options'
import type { Login } from '../login/login'
import type { LoginTarget } from '../login/login-target'
import { ConnectionLogin, type DriverError } from './connection-login'

/** What we use of a connection's options, which the driver makes anew for each connection. */
interface DriverOptions {
  host: string
  port: number
  user: string
  ssl: unknown
  logger: Logger
}

/** What we use of the driver's `logger`. */
interface Logger {
  network?: unknown
  error?: unknown
}

// mariadb 3.4 throws from a socket event when a server asks for a clear password at once and there is no string.
const NOTHING_TO_SEND = ''

/** What a `stream` function hands its socket to. */
export type StreamCallback = (error?: Error, stream?: Duplex) => void

/** A `stream` function of the caller's: it may answer by its result or by the callback. */
export type DialWith = (this: unknown, callback: StreamCallback) => Duplex | undefined

/**
 * Makes the mariadb driver's `stream` function. The driver has no hook for a password and waits for none, so the
 * socket is paused until the token is there.
 *
 * Internal of the driver (tested: 3.4.5 to 3.5.4): it calls `stream` as a method of the options of the connection,
 * and reads `password`, `ssl` and `logger` there later. If it copied the options before, it would send no token, and
 * the login would be refused.
 */
export function createStream(login: Login, dialWith: DialWith | undefined) {
  return function stream(this: unknown, callback: StreamCallback): void {
    const options = this as DriverOptions
    if (!dialWith) return open(login, options, callback)
    const dialled = dialWith.call(this, (error, socket) =>
      error ? callback(error) : open(login, options, callback, socket),
    )
    if (dialled) open(login, options, callback, dialled)
  }
}

/** What a connection that KILLs the query of this one needs. */
interface Dialled {
  socket: Duplex & { remoteAddress?: string | undefined }
  target: LoginTarget
  /** The caller's logger. */
  logger: Logger
}

// The key is the `ssl` object that we make for each connection. The driver copies the options, and so this object, for the
// connection that KILLs a query.
const dialledBySsl = new WeakMap<object, Dialled>()

function open(login: Login, options: DriverOptions, callback: StreamCallback, dialled?: Duplex): void {
  const socket = dialled ?? new Socket().setNoDelay(true)
  const copied = dialledBySsl.get(options.ssl as object)
  // destroy() dials the IP address of the server that runs the query, which may have another name by now.
  const killed = copied?.socket.remoteAddress === options.host ? copied : undefined
  const logger = copied?.logger ?? options.logger
  let connectionLogin: ConnectionLogin | undefined
  let target: LoginTarget | undefined
  let certificate: { problem: Error | undefined } | undefined
  let state: 'greeting' | 'secured' | 'left' = 'greeting'

  async function begin(): Promise<void> {
    const user = readUser(options.user, 'user')
    const dial = { host: readHost(options.host, 'host'), port: readPort(options.port, 'port') }
    target = killed ? { ...killed.target, dial } : await login.target(dial)
    const ssl = login.connectionOptions(target, {
      // Called for a certificate whose chain is good. Some versions of the driver ignore the result with MariaDB.
      onChecked(problem) {
        certificate = { problem }
      },
    })
    dialledBySsl.set(ssl, { socket, target, logger })
    options.ssl = ssl
    if (socket !== dialled && !socket.destroyed) {
      ;(socket as Socket).connect(target.dial.port, target.dial.host)
    }
    connectionLogin = new ConnectionLogin(login, target, await login.attempt(target, user))
    socket.resume()
  }

  function password(reader: DriverOptions): string {
    // mariadb 3.5 also reads it before it begins TLS.
    if (!connectionLogin || !target || !hasBegunTls()) return NOTHING_TO_SEND
    state = 'secured'
    if (reader.user !== connectionLogin.user) {
      connectionLogin.refuseUser()
    } else if (!certificate || certificate.problem) {
      failSoon(unverified(target, certificate?.problem))
    } else if (options.logger.network) {
      failSoon(invalidOption('debug', 'the mariadb driver would print the token'))
    } else {
      return connectionLogin.takeToken() ?? NOTHING_TO_SEND
    }
    return NOTHING_TO_SEND
  }

  function hasBegunTls(): boolean {
    return socket.listenerCount('data') === 0
  }

  function fail(error: unknown): void {
    // A copy, as a pool of the driver appends to the message.
    callback(new Error((error as Error).message, { cause: error }))
    socket.destroy()
  }

  function failSoon(error: unknown): void {
    // Wait a tick: the driver is about to write, and crashes if the socket is already closed.
    process.nextTick(fail, error)
  }

  /**
   * Gives the driver another socket to clean up when a login fails amid TLS. It removes all listeners from its socket:
   * from the TLS socket it would remove the 'error' listener too, and an error that Node emits later ends the process.
   */
  function leaveTls(): void {
    const isDriverDone = socket.listenerCount('error') === 0
    if (state !== 'greeting' || !hasBegunTls() || isDriverDone) return
    state = 'left'
    callback(undefined, new Socket())
    socket.destroy()
  }

  options.logger = {
    ...logger,
    error(error: DriverError) {
      leaveTls()
      connectionLogin?.report(error)
      if (typeof logger.error === 'function') logger.error(error)
    },
  }
  Object.defineProperty(options, 'password', {
    get(this: DriverOptions) {
      return password(this)
    },
    // changeUser() writes a password here, one round trip before the server asks for it.
    set() {
      connectionLogin?.renew()
    },
    configurable: true,
  })
  socket.pause()
  callback(undefined, socket)
  begin().catch(fail)
}

function unverified({ endpoint: { host } }: LoginTarget, cause: Error | undefined): RdsIamError {
  return new RdsIamError(
    'TLS_REQUIRED',
    `ssl: the certificate is not one of ${host}, or signed by nobody who is trusted: no token was sent`,
    cause && { cause },
  )
}
