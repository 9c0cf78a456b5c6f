import { once } from 'node:events'
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'

/** Servers on one or more addresses, all with the same port. */
export interface Listener {
  /** The port. */
  port: number
  /** Stops accepting; resolves when the last connection is closed. */
  close(): Promise<unknown>
}

const ATTEMPTS = 20

/**
 * Listens on one address. Default: on 127.0.0.1, and on ::1 where the machine has it, because `localhost` may resolve to
 * either.
 *
 * @throws the error of `listen` when the port is taken on one of them, or the address is not this machine's.
 */
export async function listen(
  { host, port }: { host: string | undefined; port: number },
  onConnection: (socket: Socket) => void,
): Promise<Listener> {
  if (host !== undefined) return listener(await listenOn(host, port, onConnection))
  for (let attempt = 1; ; attempt++) {
    const ipv4 = await listenOn('127.0.0.1', port, onConnection)
    try {
      return listener(ipv4, await listenOn('::1', portOf(ipv4), onConnection))
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      if (code === 'EADDRNOTAVAIL' || code === 'EAFNOSUPPORT') return listener(ipv4)
      await closeServer(ipv4)
      // The port was free on one address only: another one may be free on both.
      if (port !== 0 || code !== 'EADDRINUSE' || attempt === ATTEMPTS) throw error
    }
  }
}

async function listenOn(host: string, port: number, onConnection: (socket: Socket) => void): Promise<Server> {
  const server = createServer({ allowHalfOpen: true, noDelay: true }, onConnection)
  server.listen({ host, port, backlog: 1024, exclusive: true })
  await once(server, 'listening')
  server.on('error', () => {}) // accept() fails when descriptors run out; the next one may succeed
  return server
}

function listener(server: Server, ...more: Server[]): Listener {
  let closed: Promise<unknown> | undefined
  return {
    port: portOf(server),
    close: () => (closed ??= Promise.all([server, ...more].map(closeServer))),
  }
}

function portOf(server: Server): number {
  return (server.address() as AddressInfo).port
}

async function closeServer(server: Server): Promise<void> {
  const closed = once(server, 'close')
  server.close()
  await closed
}
