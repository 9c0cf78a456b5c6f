import { Socket } from 'node:net'
import { checkHost, readPort, checkUser, type Address } from '../iam-options'
import type { IamLogin } from '../login/iam-login'
import type { LoginTarget } from '../login/login-target'
import type { Mysql2SslByTrust } from './ssl'

/** What we use of the configuration that mysql2 hands to a `stream` function, one for each connection. */
export interface ConnectionConfig {
  host: string
  port: number
  user: string
  ssl: unknown
  stream: unknown
  enableKeepAlive?: boolean
  keepAliveInitialDelay?: number
}

const targets = new WeakMap<ConnectionConfig, LoginTarget>()

/** Finds what our `stream` found behind the address that a connection dials. */
export function targetOf(config: ConnectionConfig): LoginTarget | undefined {
  return targets.get(config)
}

/**
 * Makes mysql2's `stream` function: a socket that finds the endpoint behind the dialled address first, has
 * mysql2 verify the endpoint's name, and starts the token as soon as it dials, so that the look-up of
 * credentials and the loading of the SDK, which blocks, go on while packets travel.
 */
export function createStream(login: IamLogin, sslByTrust: Mysql2SslByTrust, dialled?: Address) {
  return ({ config }: { config: ConnectionConfig }): Socket => {
    const socket = new Socket()
    socket.setNoDelay(true)
    if (config.enableKeepAlive) socket.setKeepAlive(true, config.keepAliveInitialDelay)

    async function open(): Promise<void> {
      const address = dialled ?? { host: checkHost(config.host, 'host'), port: readPort(config.port, 'port') }
      const target = await login.target(address)
      targets.set(config, target)
      config.ssl = sslByTrust.of(target)
      // mysql2 verifies the name of the host that it is configured with, so this becomes the endpoint's;
      // whoever connects again with this very configuration still dials the same address.
      config.host = target.endpoint.host
      config.stream = createStream(login, sslByTrust, address)
      const user = checkUser(config.user, 'user')
      if (socket.destroyed) return
      socket.once('connectionAttempt', () => login.token(target, user).catch(fail))
      socket.connect(target.dial.port, target.dial.host)
    }
    function fail(error: unknown): void {
      socket.destroy(error as Error)
    }

    open().catch(fail)
    return socket
  }
}
