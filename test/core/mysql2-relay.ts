import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'

/** How a relay ends its connections. */
export type Cut = 'close' | 'reset' | 'garbage'

/** A relay in front of a server. */
export interface Relay {
  port: number
  cut(how: Cut): void
  close(): void
}

// No TLS record starts with these bytes.
const GARBAGE = Buffer.alloc(64, 7)

/** Starts a relay. `change` gets each chunk and returns the bytes to forward instead. */
export async function startRelay(
  port: number,
  change: (chunk: Buffer, from: 'client' | 'server') => Buffer = (chunk) => chunk,
): Promise<Relay> {
  const clients = new Set<Socket>()
  const relay = createServer((client) => {
    const server = connect(port, '127.0.0.1')
    clients.add(client)
    for (const [from, to] of [
      [client, server],
      [server, client],
    ] as const) {
      from.setNoDelay(true).on('error', () => {})
      from.on('data', (chunk) => to.write(change(chunk, from === client ? 'client' : 'server')))
      from.on('close', () => to.destroy())
    }
    client.on('close', () => clients.delete(client))
  })
  relay.listen(0, '127.0.0.1')
  await once(relay, 'listening')
  return {
    port: (relay.address() as AddressInfo).port,
    cut(how) {
      for (const client of clients) {
        if (how === 'close') client.end()
        else if (how === 'reset') client.resetAndDestroy()
        else client.write(GARBAGE)
      }
    },
    close: () => void relay.close(),
  }
}
