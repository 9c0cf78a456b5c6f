import { isIP, Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { ConnectionOptions } from 'node:tls'
import { invalidOption, RdsIamError } from '../errors'
import { checkHost, checkUser, readPort } from '../iam-options'
import type { IamLogin } from '../login/iam-login'
import type { LoginTarget } from '../login/login-target'
import { checkCertificate } from '../tls/verify'
import { watchErrors, type Attempt, type Logger } from './watch-errors'

/** What we use of a connection's options, which the driver makes anew for each connection. */
interface DriverOptions {
  host: string
  port: number
  user: string
  ssl: unknown
  logger: Logger
}

// Where a server asks for a clear password at once the driver throws, for nobody to catch, if there is no text.
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

function open(login: IamLogin, options: DriverOptions, callback: StreamCallback, dialled?: Duplex): void {
  const socket = dialled ?? new Socket().setNoDelay(true)
  let attempt: Attempt | undefined
  let certificate: { problem: Error | undefined } | undefined

  async function begin(): Promise<void> {
    const user = checkUser(options.user, 'user')
    const address = { host: checkHost(options.host, 'host'), port: readPort(options.port, 'port') }
    const target = await login.target(address)
    options.ssl = perConnection(login, target, (problem) => {
      certificate = { problem }
    })
    if (socket !== dialled && !socket.destroyed) {
      ;(socket as Socket).connect(target.dial.port, target.dial.host)
    }
    attempt = { login, target, user, token: await login.token(target, user), asked: false }
    options.logger = watchErrors(options.logger, attempt)
    socket.resume()
  }

  function password(reader: DriverOptions): string {
    // The driver also looks before TLS has begun: then it still reads from this socket itself.
    if (!attempt || socket.listenerCount('data') > 0) return NOTHING_TO_SEND
    if (reader.user !== attempt.user) {
      attempt.problem = invalidOption('changeUser', 'the driver waits for no other token: open a connection')
    } else if (!certificate || certificate.problem) {
      failSoon(unverified(attempt.target, certificate?.problem))
    } else if (options.logger.network) {
      failSoon(invalidOption('debug', 'the mariadb driver would print the token'))
    } else {
      attempt.asked = true
      return attempt.token.value
    }
    return NOTHING_TO_SEND
  }

  function fail(error: unknown): void {
    // Not by the socket: an error of a socket under TLS ends the process, as the driver no longer listens then.
    callback(error as Error)
    socket.destroy()
  }

  function failSoon(error: unknown): void {
    // The driver is about to write its answer, without a token, and bears no loss of its socket before that.
    process.nextTick(fail, error)
  }

  Object.defineProperty(options, 'password', {
    get(this: DriverOptions) {
      return password(this)
    },
    // changeUser() writes the new user's.
    set() {},
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
