import { lookup } from 'node:dns'
import { EventEmitter } from 'node:events'
import { isIP, Socket } from 'node:net'
import type { ConnectionOptions } from 'node:tls'
import { readHost, readPort, type Address } from '../address'
import { findServer } from '../cluster/find-server'
import { openPostgresProbe } from '../cluster/postgres-probe'
import type { Session } from '../cluster/probe'
import { invalidOption, RdsIamError } from '../errors'
import { KEEP_ALIVE_DELAY_MS } from '../login/keep-alive'
import type { Login } from '../login/login'
import type { LoginTarget } from '../login/login-target'
import { failedSocket, wrongDriver } from '../login/failed-socket'
import { readSslOption } from '../tls/ssl-option'

/** The properties of a pg Client that we use. pg calls the password function as a method of its Client. */
export interface PgClient extends EventEmitter {
  host: string
  port: number
  user: string
  /** Internal of pg: whether the server waits for a query. Undefined until the login is accepted. */
  readyForQuery?: boolean
  /** Whether the connection is for replication. */
  replication?: unknown
  connection: EventEmitter & { stream: { destroyed: boolean; destroy(error: Error): void }; ssl?: unknown }
}

/** The settings that pg passes to a `stream` function: one object for each connection. */
interface ConnectionSettings {
  ssl?: unknown
}

/** What our `stream` needs to know of a configuration. */
export interface StreamSettings extends Session {
  /** pg's time limit for opening a connection. */
  limitMs: number | undefined
  keepAlive: boolean
  /** The host to dial when pg connects to the endpoint's name. */
  tunnel: { host: string; endpointHost: string } | undefined
}

/** What we know about a connection that is being opened. */
export interface Dialling {
  target?: LoginTarget
  /** Whether the certificate was verified to be the endpoint's. */
  verified: boolean
}

// By the `ssl` object of a connection, because the stream function and the password function can both read it.
const diallings = new WeakMap<object, Dialling>()

/** Finds the data that our `stream` recorded for a pg Connection. */
export function diallingOf(connection: { ssl?: unknown } | undefined): Dialling | undefined {
  const ssl = connection?.ssl
  return typeof ssl === 'object' && ssl !== null ? diallings.get(ssl) : undefined
}

/**
 * Creates pg's `stream` function. It returns a socket that first finds the endpoint behind the dialled address, and
 * sets up TLS for it. It requests the token while the socket connects, so that the credential fetch and the loading of
 * the SDK overlap with the network round trips.
 *
 * This runs in the `lookup` step of Node's `connect`. Node treats the socket as connecting meanwhile, so everything
 * that pg does to it (write, end, destroy, unref) works as on any other socket.
 */
export function createStream(login: Login, session: StreamSettings, defaultSsl: ConnectionOptions) {
  const { tunnel } = session
  return function (this: unknown, connection: ConnectionSettings): Socket {
    // mysql2 passes an object with `config`, the mariadb driver a callback.
    if (typeof connection !== 'object' || 'config' in connection)
      return failedSocket(wrongDriver('pgConfig', 'pg'))
    const socket = new Socket()
    if (session.keepAlive) socket.setKeepAlive(true, KEEP_ALIVE_DELAY_MS)
    const dial = socket.connect.bind(socket)
    const dialling: Dialling = { verified: false }
    const given = connection.ssl
    const ssl: ConnectionOptions = {}
    diallings.set(ssl, dialling)
    connection.ssl = ssl

    async function findTarget(dialled: Address, serverName: string): Promise<LoginTarget> {
      const target = await findServer(login, dialled, { ...session, socket, openProbe: openPostgresProbe })
      checkServerName(serverName, target)
      Object.assign(ssl, perConnection(login, target, dialling, given, defaultSsl))
      dialling.target = target
      target.connection?.watch(socket)
      socket.once('connectionAttempt', () => login.token(target, session.user).catch(fail))
      return target
    }
    function fail(error: unknown): void {
      socket.destroy(error as Error)
    }

    socket.connect = ((port: unknown, host: unknown) => {
      try {
        const serverName = readHost(host, 'host')
        const dialled = {
          host: serverName === tunnel?.endpointHost ? readHost(tunnel.host, 'host') : serverName,
          port: readPort(port, 'port'),
        }
        dial({
          port: dialled.port,
          // Node calls `lookup` only for a name: with a trailing dot, an IP address counts as a name.
          host: isIP(dialled.host) ? `${dialled.host}.` : dialled.host,
          lookup: (_, options, found) =>
            void findTarget(dialled, serverName).then(
              ({ dial: { host } }) => {
                // pg may have destroyed the socket meanwhile.
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
    if (this instanceof EventEmitter) closeFailedLogin(this, socket, dialling)
    return socket
  }
}

/** Refuses a name that Aurora DSQL does not know: pg sends this name in TLS (SNI), and DSQL finds the cluster by it. */
function checkServerName(serverName: string, { endpoint: { host }, parsed: { kind } }: LoginTarget): void {
  // pg sends the `servername` of our TLS options for an IP address.
  if (kind !== 'dsql' || serverName === host || isIP(serverName)) return
  throw invalidOption(
    'host',
    `Aurora DSQL accepts only its own name from pg: give ${host}, or set iam.endpoint to it`,
  )
}

/**
 * Closes the socket of a failed login: pg reports the failure but leaves the socket open until the server closes it.
 * `connection` is pg's Connection: pg calls the `stream` function as a method of it.
 */
function closeFailedLogin(connection: EventEmitter, socket: Socket, dialling: Dialling): void {
  const close = (): void => void socket.destroy()
  const report = (error = new Error('the server closed the connection')): void =>
    dialling.target?.connection?.failed(error)
  connection.once('error', report).once('errorMessage', report).once('end', report)
  connection.once('error', close).once('errorMessage', close)
  // When pg destroys a socket right before `connect`, Node still connects it: close it on the 'end' event.
  connection.once('end', close)
  connection.once('readyForQuery', () => {
    connection.off('errorMessage', close)
    for (const event of ['error', 'errorMessage', 'end']) connection.off(event, report)
  })
}

function perConnection(
  login: Login,
  target: LoginTarget,
  dialling: Dialling,
  given: unknown,
  defaultSsl: ConnectionOptions,
): ConnectionOptions {
  if (!given)
    throw new RdsIamError(
      'TLS_REQUIRED',
      'ssl: a token is only sent inside TLS: do not turn `ssl` off after pgConfig() has set it',
    )
  // The application may have replaced `ssl` in our configuration. A copy of our `ssl` still has our function.
  const isOurSsl = (given as ConnectionOptions).checkServerIdentity === defaultSsl.checkServerIdentity
  return login.connectionOptions(target, {
    ssl: isOurSsl ? login.ssl : readSslOption(given),
    onChecked(problem) {
      dialling.verified = problem === undefined
    },
  })
}
