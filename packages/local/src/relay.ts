import type { Duplex } from 'node:stream'
import type { LoginContext } from './login'

// How long a client may take to close its half after we closed ours.
const LINGER_MS = 5_000

/**
 * Passes bytes both ways until both sides are done, with back-pressure in both directions.
 *
 * A client that closes its half still receives the responses under way. A backend that closes ends the client.
 */
export function relay(client: Duplex, backend: Duplex, context: LoginContext): void {
  client.pipe(backend)
  backend.pipe(client, { end: false })
  bindLifetimes(client, backend, context)
}

/** Ends the client properly when the backend ends, and destroys it when the backend's connection breaks. */
export function bindLifetimes(client: Duplex, backend: Duplex, context: LoginContext): void {
  const end = (): void =>
    context.whenThawed(() => {
      client.unpipe(backend)
      backend.end()
      closeGently(client)
    })
  const close = (): void => {
    if (!backend.readableEnded) context.whenThawed(() => client.destroy())
  }
  // Either may have happened right after the last bytes of the login.
  if (backend.readableEnded) end()
  else backend.once('end', end)
  if (backend.closed) close()
  else backend.once('close', close)
  context.sessionOpened(client, backend)
}

/**
 * Closes our half of a client's connection after a last message, and the whole when the client has closed its half.
 *
 * Reads and discards what the client still sends: unread data would turn the close into a reset, and the client could
 * lose the last message.
 */
export function closeGently(client: Duplex, last?: Buffer): void {
  if (last !== undefined && client.writable) client.write(last)
  client.end()
  client.resume()
  // A timer of AbortSignal runs also when a test replaced the global timers, and keeps no process alive.
  AbortSignal.timeout(LINGER_MS).addEventListener('abort', () => client.destroy())
}
