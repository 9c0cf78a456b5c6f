import type { Duplex } from 'node:stream'

// How long a client may take to close its half once ours is closed.
const LINGER_MS = 5_000

/**
 * Closes our half of a client's connection after a last message, and the whole once the client has closed too.
 *
 * What the client still sends is thrown away: left unread it would turn our closing into a reset, which can
 * swallow the last message.
 */
export function closeGently(client: Duplex, last?: Buffer): void {
  if (last !== undefined && client.writable) client.write(last)
  client.end()
  client.resume()
  // AbortSignal's timers go on when a test replaces the global ones, and keep no process alive.
  AbortSignal.timeout(LINGER_MS).addEventListener('abort', () => client.destroy())
}
