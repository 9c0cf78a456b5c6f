import { Socket } from 'node:net'
import { Duplex } from 'node:stream'
import { readHost, readPort } from '../address'
import { findServer } from '../cluster/find-server'
import { openMysqlProbe } from '../cluster/mysql-probe'
import { invalidOption, RdsIamError } from '../errors'
import { readUser } from '../iam-options'
import { KEEP_ALIVE_DELAY_MS } from '../login/keep-alive'
import type { Login } from '../login/login'
import type { LoginTarget } from '../login/login-target'
import { failedSocket, wrongDriver } from '../login/failed-socket'
import { ConnectionLogin, type DriverError } from './connection-login'
import { ServerWatch, type WatchedOptions } from './server-watch'

/** The options of a connection that we use. The driver creates a new object for each connection. */
interface DriverOptions extends WatchedOptions {
  host: string
  port: number
  user: string
  ssl: unknown
  logger: Logger
  connectTimeout?: number
  keepAliveDelay?: number
}

/** The properties of the driver's `logger` that we use. */
interface Logger {
  network?: unknown
  query?: unknown
  error?: unknown
}

// A string, not undefined: mariadb 3.4 throws from a socket event when the server's first packet requests a
// clear-text password and `password` is undefined.
const NOTHING_TO_SEND = ''

/** Each packet begins with its length (3 bytes) and its number. */
const HEADER_BYTES = 4

/** The callback that a `stream` function calls with its socket. */
export type StreamCallback = (error?: Error, stream?: Duplex) => void

/** The caller's own `stream` function. It returns the socket or passes it to the callback, which may get none. */
export type DialWith = (this: unknown, callback: StreamCallback) => Duplex | undefined

/**
 * Creates the mariadb driver's `stream` function. The driver has no asynchronous password hook, so it gets the server's
 * greeting only when the token is ready.
 *
 * Driver internal (tested: 3.4.5 to 3.5.4): the driver calls `stream` as a method of the connection's options, and
 * reads `password`, `ssl` and `logger` from them later. If it copied the options first, it would send no token, and
 * the server would refuse the login.
 */
export function createStream(login: Login, dialWith: DialWith | undefined) {
  return function stream(this: unknown, callback: StreamCallback): Socket | void {
    if (typeof callback !== 'function') return failedSocket(wrongDriver('mariadbConfig', 'mariadb'))
    const options = this as DriverOptions
    const use = (dialled?: unknown): void => {
      // The driver dials the host itself when the callback gets no socket.
      if (!dialled) open(login, options, callback)
      else if (dialled instanceof Duplex) open(login, options, callback, dialled)
      else callback(invalidOption('stream', 'returned no socket'))
    }
    if (!dialWith) return use()
    const dialled = dialWith.call(this, (error, socket) => (error ? callback(error) : use(socket)))
    if (dialled) use(dialled)
  }
}

/** The data of a connection that a second connection needs to KILL its query. */
interface Dialled {
  socket: Duplex & { remoteAddress?: string | undefined }
  target: LoginTarget
  /** The caller's logger. */
  logger: Logger
}

// By the `ssl` object that we create for each connection. To KILL a query the driver opens a second connection with a
// copy of the options, which has the same `ssl` object.
const dialledBySsl = new WeakMap<object, Dialled>()

function open(login: Login, options: DriverOptions, callback: StreamCallback, dialled?: Duplex): void {
  const own = dialled ? undefined : new Socket().setNoDelay(true)
  const socket = (dialled ?? own) as Duplex
  const copied = dialledBySsl.get(options.ssl as object)
  // To KILL a query, destroy() dials the server's IP address. Use the first connection's target: the host name may
  // resolve to another server by now.
  const killed = copied?.socket.remoteAddress === options.host ? copied : undefined
  const logger = copied?.logger ?? options.logger
  let connectionLogin: ConnectionLogin | undefined
  let serverWatch: ServerWatch | undefined
  let target: LoginTarget | undefined
  let certificate: { problem: Error | undefined } | undefined
  let state: 'greeting' | 'secured' | 'left' = 'greeting'

  async function begin(): Promise<void> {
    const user = readUser(options.user, 'user')
    const dial = { host: readHost(options.host, 'host'), port: readPort(options.port, 'port') }
    target = killed
      ? { ...killed.target, dial }
      : await findServer(login, dial, {
          socket,
          user,
          limitMs: options.connectTimeout,
          openProbe: openMysqlProbe,
        })
    const ssl = login.connectionOptions(target, {
      // Called when the certificate's chain is valid. Keep the result: some driver versions ignore it with MariaDB.
      onChecked(problem) {
        certificate = { problem }
      },
    })
    dialledBySsl.set(ssl, { socket, target, logger })
    options.ssl = ssl
    if (own && !own.destroyed) {
      const { connection, dial } = target
      if (connection && !killed) serverWatch = new ServerWatch(own, connection, options)
      own.connect(dial.port, dial.host, () => {
        if (!options.keepAliveDelay) own.setKeepAlive(true, KEEP_ALIVE_DELAY_MS)
      })
    }
    connectionLogin = new ConnectionLogin(login, target, await login.attempt(target, user))
    passGreeting()
  }

  /**
   * Passes the server's greeting to the driver, and leaves the bytes after it for TLS. A driver that gets both at once
   * emits an error on a connection that its caller does not have yet, which ends the process.
   */
  function passGreeting(): void {
    let header: Buffer | null = null
    socket.on('readable', function pass() {
      try {
        // What read() returns also goes to the driver's 'data' listener, which throws for an invalid greeting.
        header ??= socket.read(HEADER_BYTES) as Buffer | null
        if (header?.length === HEADER_BYTES && socket.read(header.readUIntLE(0, 3))) {
          socket.off('readable', pass)
        }
      } catch (cause) {
        fail(new Error("the server's greeting is invalid", { cause }))
      }
    })
  }

  function password(reader: DriverOptions): string {
    // mariadb 3.5 also reads the password before TLS.
    if (!connectionLogin || !target || !hasBegunTls()) return NOTHING_TO_SEND
    state = 'secured'
    if (reader.user !== connectionLogin.user) {
      connectionLogin.refuseUser()
    } else if (!certificate || certificate.problem) {
      if (certificate) target.connection?.failed(certificate.problem)
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
    // Pass a copy: the driver's pool appends text to the message.
    callback(new Error((error as Error).message, { cause: error }))
    socket.destroy()
  }

  function failSoon(error: unknown): void {
    // Wait a tick: the driver is about to write and crashes if the socket is already closed.
    process.nextTick(fail, error)
  }

  /**
   * Gives the driver a dummy socket to clean up when a login fails during the TLS handshake. The driver removes all
   * listeners from its socket. On the TLS socket this would remove the 'error' listener, and a later error from Node
   * would end the process.
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
    // The driver reads this before it sends a command.
    get query() {
      const note = serverWatch?.onCommand()
      if (!note) return logger.query
      return (text: string) => {
        note(text)
        if (typeof logger.query === 'function') logger.query(text)
      }
    },
    error(error: DriverError) {
      leaveTls()
      connectionLogin?.report(error)
      serverWatch?.onError(error)
      if (typeof logger.error === 'function') logger.error(error)
    },
  }
  Object.defineProperty(options, 'password', {
    get(this: DriverOptions) {
      return password(this)
    },
    // changeUser() sets a password here, one round trip before the server requests it.
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
    `ssl: the server's certificate is not valid for ${host}, or no trusted CA signed it: no token was sent`,
    cause && { cause },
  )
}
