import { isIP, Socket } from 'node:net'
import type { ConnectionOptions } from 'node:tls'
import { RdsIamError } from '../errors'
import { checkHost, readPort } from '../iam-options'
import type { IamLogin } from '../login/iam-login'
import type { LoginTarget } from '../login/login-target'
import { createSecureContexts } from '../tls/secure-context'
import { readSslOption } from '../tls/ssl-option'
import { checkCertificate } from '../tls/verify'

/** The settings that pg hands to a `stream` function, one object for each connection. */
interface ConnectionSettings {
  ssl?: unknown
}

/** What is known of a connection that is being opened. */
export interface Attempt {
  target?: LoginTarget
  /** Whether the certificate was found to be the endpoint's. */
  verified: boolean
}

// The `ssl` of a connection is what its stream and its password function both see.
const attempts = new WeakMap<object, Attempt>()

/** Finds the attempt that a pg Connection belongs to. */
export function attemptOf(connection: { ssl?: unknown } | undefined): Attempt | undefined {
  const ssl = connection?.ssl
  return typeof ssl === 'object' && ssl !== null ? attempts.get(ssl) : undefined
}

/**
 * Makes pg's `stream` function: a socket that finds the endpoint behind the dialled address first, sets up
 * TLS for it, and starts the token as soon as it dials, so that the look-up of credentials and the loading
 * of the SDK, which blocks, go on while packets travel.
 */
export function createStream(login: IamLogin, user: string, defaultSsl: ConnectionOptions) {
  return (connection: ConnectionSettings): Socket => {
    const socket = new Socket()
    const dial = socket.connect.bind(socket)
    const attempt: Attempt = { verified: false }
    const given = connection.ssl
    const ssl: ConnectionOptions = {}
    attempts.set(ssl, attempt)
    connection.ssl = ssl

    async function open(port: unknown, host: unknown): Promise<void> {
      const dialled = { host: checkHost(host, 'host'), port: readPort(port, 'port') }
      const target = await login.target(dialled)
      Object.assign(ssl, perConnection(login, target, attempt, given, defaultSsl))
      attempt.target = target
      // pg may have given up meanwhile; connecting would bring the socket back to life.
      if (socket.destroyed) return
      socket.once('connectionAttempt', () => login.token(target, user).catch(fail))
      dial(target.dial.port, target.dial.host)
    }
    function fail(error: unknown): void {
      socket.destroy(error as Error)
    }

    socket.connect = ((port: unknown, host: unknown) => {
      open(port, host).catch(fail)
      return socket
    }) as Socket['connect']
    return socket
  }
}

function perConnection(
  login: IamLogin,
  target: LoginTarget,
  attempt: Attempt,
  given: unknown,
  defaultSsl: ConnectionOptions,
): ConnectionOptions {
  if (!given)
    throw new RdsIamError('TLS_REQUIRED', 'ssl: no token without TLS: do not turn `ssl` off behind rds-iam')
  // A configuration may be spread with another `ssl`; a copy of ours still has our function.
  const ours = (given as ConnectionOptions).checkServerIdentity === defaultSsl.checkServerIdentity
  const ssl = ours ? login.ssl : readSslOption(given)
  return {
    ...ssl,
    secureContext: ours
      ? login.secureContext(target)
      : createSecureContexts(ssl)(ssl.ca ? undefined : (login.trust(target) ?? [])),
    // pg puts the dialled host in its place, unless that is an IP address.
    ...(isIP(target.endpoint.host) ? {} : { servername: target.endpoint.host }),
    rejectUnauthorized: true,
    checkServerIdentity(_, certificate) {
      const problem = checkCertificate(target.endpoint.host, certificate, ssl.checkServerIdentity)
      attempt.verified = problem === undefined
      return problem
    },
  }
}
