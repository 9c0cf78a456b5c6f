import { isIP, Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { ConnectionOptions } from 'node:tls'
import { invalidOption, RdsIamError } from '../errors'
import { checkHost, checkUser, readPort } from '../iam-options'
import type { IamLogin } from '../login/iam-login'
import type { LoginTarget } from '../login/login-target'
import { checkCertificate } from '../tls/verify'
import {
  explain,
  hasExpired,
  renewToken,
  tokenTooLate,
  type Attempt,
  type DriverError,
  type Logger,
} from './attempt'

/** What we use of a connection's options, which the driver makes anew for each connection. */
interface DriverOptions {
  host: string
  port: number
  user: string
  ssl: unknown
  logger: Logger
}

// mariadb 3.4 throws from a socket event when a server asks for a clear password at once and there is no string.
const NOTHING_TO_SEND = ''

/** What a `stream` function hands its socket to. */
export type StreamCallback = (error?: Error, stream?: Duplex) => void

/** A `stream` function of the caller's: it may answer by its result or by the callback. */
export type DialWith = (this: unknown, callback: StreamCallback) => Duplex | undefined

/**
 * Makes the mariadb driver's `stream` function, which is its only hook for a password: the driver reads that of
 * the options that the function is called on. It waits for nothing then, so the server's first word is held back
 * until the token is there.
 */
export function createStream(login: IamLogin, dialWith: DialWith | undefined) {
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

function open(login: IamLogin, options: DriverOptions, callback: StreamCallback, dialled?: Duplex): void {
  const socket = dialled ?? new Socket().setNoDelay(true)
  const copied = dialledBySsl.get(options.ssl as object)
  // destroy() dials the IP address of the server that runs the query, which may have another name by now.
  const killed = copied?.socket.remoteAddress === options.host ? copied : undefined
  const logger = copied?.logger ?? options.logger
  let attempt: Attempt | undefined
  let certificate: { problem: Error | undefined } | undefined
  let state: 'greeting' | 'secured' | 'left' = 'greeting'

  async function begin(): Promise<void> {
    const user = checkUser(options.user, 'user')
    const address = { host: checkHost(options.host, 'host'), port: readPort(options.port, 'port') }
    const target = killed ? { ...killed.target, dial: address } : await login.target(address)
    const ssl = perConnection(login, target, (problem) => {
      certificate = { problem }
    })
    dialledBySsl.set(ssl, { socket, target, logger })
    options.ssl = ssl
    if (socket !== dialled && !socket.destroyed) {
      ;(socket as Socket).connect(target.dial.port, target.dial.host)
    }
    attempt = { login, target, user, token: await login.token(target, user), asked: false }
    socket.resume()
  }

  function password(reader: DriverOptions): string {
    // mariadb 3.5 also reads it before it begins TLS.
    if (!attempt || !hasBegunTls()) return NOTHING_TO_SEND
    state = 'secured'
    if (reader.user !== attempt.user) {
      attempt.problem = invalidOption('changeUser', 'the driver waits for no other token: open a connection')
    } else if (!certificate || certificate.problem) {
      failSoon(unverified(attempt.target, certificate?.problem))
    } else if (options.logger.network) {
      failSoon(invalidOption('debug', 'the mariadb driver would print the token'))
    } else if (hasExpired(attempt.token)) {
      renewToken(attempt)
      attempt.withheld = tokenTooLate()
    } else {
      attempt.asked = true
      delete attempt.withheld
      return attempt.token.value
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
      if (attempt) explain(error, attempt)
      if (typeof logger.error === 'function') logger.error(error)
    },
  }
  Object.defineProperty(options, 'password', {
    get(this: DriverOptions) {
      return password(this)
    },
    // changeUser() writes a password here, one round trip before the server asks for it.
    set() {
      if (attempt) renewToken(attempt)
    },
    configurable: true,
  })
  socket.pause()
  callback(undefined, socket)
  begin().catch(fail)
}

function perConnection(
  login: IamLogin,
  target: LoginTarget,
  onChecked: (problem: Error | undefined) => void,
): ConnectionOptions {
  const { host } = target.endpoint
  return {
    ...login.ssl,
    secureContext: login.secureContext(target),
    ...(isIP(host) ? {} : { servername: host }),
    rejectUnauthorized: true,
    // Called for a certificate whose chain is good. With MariaDB some versions of the driver go on whatever it says.
    checkServerIdentity(_, certificate) {
      const problem = checkCertificate(host, certificate, login.ssl.checkServerIdentity)
      onChecked(problem)
      return problem
    },
  }
}

function unverified({ endpoint: { host } }: LoginTarget, cause: Error | undefined): RdsIamError {
  return new RdsIamError(
    'TLS_REQUIRED',
    `ssl: the certificate is not one of ${host}, or signed by nobody who is trusted: no token was sent`,
    cause && { cause },
  )
}
