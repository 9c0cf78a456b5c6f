import { lookup } from 'node:dns'
import { EventEmitter } from 'node:events'
import { isIP, Socket } from 'node:net'
import type { ConnectionOptions } from 'node:tls'
import { readHost, readPort, type Address } from '../address'
import { RdsIamError } from '../errors'
import type { Login } from '../login/login'
import type { LoginTarget } from '../login/login-target'
import { readSslOption } from '../tls/ssl-option'

/** The settings that pg hands to a `stream` function, one object for each connection. */
interface ConnectionSettings {
  ssl?: unknown
}

/** What is known of a connection that is being opened. */
export interface Dialling {
  target?: LoginTarget
  /** Whether the certificate was found to be the endpoint's. */
  verified: boolean
}

// The `ssl` of a connection is what its stream and its password function both see.
const diallings = new WeakMap<object, Dialling>()

/** Finds what our `stream` knows of a pg Connection. */
export function diallingOf(connection: { ssl?: unknown } | undefined): Dialling | undefined {
  const ssl = connection?.ssl
  return typeof ssl === 'object' && ssl !== null ? diallings.get(ssl) : undefined
}

/**
 * Makes pg's `stream` function: a socket that finds the endpoint behind the dialled address first, sets up
 * TLS for it, and starts the token as soon as it dials, so that credentials are fetched and the SDK is loaded
 * while packets travel.
 *
 * All this happens in Node's own `lookup` step of `connect`: Node treats the socket as connecting meanwhile,
 * so whatever pg does to it (write, end, destroy, unref) works as on a socket of its own.
 */
export function createStream(login: Login, user: string, defaultSsl: ConnectionOptions) {
  return function (this: unknown, connection: ConnectionSettings): Socket {
    const socket = new Socket()
    const dial = socket.connect.bind(socket)
    const dialling: Dialling = { verified: false }
    const given = connection.ssl
    const ssl: ConnectionOptions = {}
    diallings.set(ssl, dialling)
    connection.ssl = ssl

    async function findTarget(dialled: Address): Promise<LoginTarget> {
      const target = await login.target(dialled)
      Object.assign(ssl, perConnection(login, target, dialling, given, defaultSsl))
      dialling.target = target
      socket.once('connectionAttempt', () => login.token(target, user).catch(fail))
      return target
    }
    function fail(error: unknown): void {
      socket.destroy(error as Error)
    }

    socket.connect = ((port: unknown, host: unknown) => {
      try {
        const dialled = { host: readHost(host, 'host'), port: readPort(port, 'port') }
        dial({
          port: dialled.port,
          // Node calls `lookup` only for a name, which an IP address with a dot at its end is.
          host: isIP(dialled.host) ? `${dialled.host}.` : dialled.host,
          lookup: (_, options, found) =>
            void findTarget(dialled).then(
              ({ dial: { host } }) => {
                // pg may have given up meanwhile.
                if (!socket.destroyed) lookup(host, options, found)
              },
              (error) => found(error, ''),
            ),
        })
      } catch (error) {
        fail(error)
      }
      return socket
    }) as Socket['connect']
    if (this instanceof EventEmitter) closeFailedLogin(this, socket)
    return socket
  }
}

/**
 * Closes the socket of a login that fails: pg reports the failure and leaves the socket open until the server
 * closes it. pg calls the `stream` function as a method of its Connection, which is what we listen to.
 */
function closeFailedLogin(connection: EventEmitter, socket: Socket): void {
  const close = (): void => void socket.destroy()
  connection.once('error', close).once('errorMessage', close)
  // A socket that was destroyed right before `connect` comes back to life: pg has seen its end by then.
  connection.once('end', close)
  connection.once('readyForQuery', () => connection.off('errorMessage', close))
}

function perConnection(
  login: Login,
  target: LoginTarget,
  dialling: Dialling,
  given: unknown,
  defaultSsl: ConnectionOptions,
): ConnectionOptions {
  if (!given)
    throw new RdsIamError('TLS_REQUIRED', 'ssl: no token without TLS: do not turn `ssl` off behind rds-iam')
  // A configuration may be spread with another `ssl`; a copy of ours still has our function.
  const ours = (given as ConnectionOptions).checkServerIdentity === defaultSsl.checkServerIdentity
  return login.connectionOptions(target, {
    ssl: ours ? login.ssl : readSslOption(given),
    onChecked(problem) {
      dialling.verified = problem === undefined
    },
  })
}
