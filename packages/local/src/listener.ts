import { once } from 'node:events'
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'

/** Servers on one or more addresses, all with the same port. */
export interface Listener {
  /** The port. */
  port: number
  /** Stops accepting; resolves when the last connection is closed. */
  close(): Promise<void>
}

const ATTEMPTS = 20

/**
 * Listens on 127.0.0.1, and on ::1 where the machine has it, because `localhost` may resolve to either.
 *
 * @throws the error of `listen` when the port is taken on one of them.
 */
export async function listenOnLoopback(
  port: number,
  onConnection: (socket: Socket) => void,
): Promise<Listener> {
  for (let attempt = 1; ; attempt++) {
    const ipv4 = await listen('127.0.0.1', port, onConnection)
    const chosen = (ipv4.address() as AddressInfo).port
    try {
      const ipv6 = await listen('::1', chosen, onConnection)
      return listener(chosen, [ipv4, ipv6])
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      if (code === 'EADDRNOTAVAIL' || code === 'EAFNOSUPPORT') return listener(chosen, [ipv4])
      await closeServer(ipv4)
      // The port was free on one address only: another one may be free on both.
      if (port !== 0 || code !== 'EADDRINUSE' || attempt === ATTEMPTS) throw error
    }
  }
}

/**
 * Listens on one address only.
 *
 * @throws the error of `listen` when the port is taken, or the address is not this machine's.
 */
export async function listenOnAddress(
  host: string,
  port: number,
  onConnection: (socket: Socket) => void,
): Promise<Listener> {
  const server = await listen(host, port, onConnection)
  return listener((server.address() as AddressInfo).port, [server])
}

async function listen(host: string, port: number, onConnection: (socket: Socket) => void): Promise<Server> {
  const server = createServer({ allowHalfOpen: true, noDelay: true }, onConnection)
  server.listen({ host, port, backlog: 1024, exclusive: true })
  await once(server, 'listening')
  server.on('error', () => {}) // accept() fails when descriptors run out; the next one may succeed
  return server
}

function listener(port: number, servers: Server[]): Listener {
  let closed: Promise<unknown> | undefined
  return {
    port,
    async close() {
      closed ??= Promise.all(servers.map(closeServer))
      await closed
    },
  }
}

async function closeServer(server: Server): Promise<void> {
  const closed = once(server, 'close')
  server.close()
  await closed
}
