import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'

/** Finds a free TCP port of 127.0.0.1. */
export async function findFreePort(): Promise<number> {
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

const ATTEMPTS = 5

/**
 * Runs `start` with a free port, and again with another one if another process took the port in between.
 *
 * @throws what `start` throws for any other reason.
 */
export async function withFreePort<T>(start: (port: number) => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await start(await findFreePort())
    } catch (error) {
      const taken = error instanceof Error && /address already in use/i.test(error.message)
      if (!taken || attempt === ATTEMPTS) throw error
    }
  }
}
