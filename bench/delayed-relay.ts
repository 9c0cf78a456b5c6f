import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'

/** Starts a relay to a local port, which delays all data as a distance does. Returns the relay's port. */
export async function startDelayedRelay(port: number, oneWayMs: number): Promise<number> {
  const server = createServer((client) => {
    const upstream = connect(port, '127.0.0.1')
    for (const socket of [client, upstream]) socket.setNoDelay(true).on('error', () => {})
    forward(client, upstream, oneWayMs)
    forward(upstream, client, oneWayMs)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

function forward(from: Socket, to: Socket, oneWayMs: number): void {
  from.on('data', (chunk) => setTimeout(() => to.write(chunk), oneWayMs))
  from.on('close', () => setTimeout(() => to.destroy(), oneWayMs))
}
