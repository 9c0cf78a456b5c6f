import type { Duplex } from 'node:stream'
import { closeGently } from './closing'

/**
 * Passes bytes both ways until both sides are done, with the back-pressure of each side passed on to the other.
 *
 * A client that closes its half still gets the answers that are under way. A backend that closes ends the client.
 */
export function relay(client: Duplex, backend: Duplex): void {
  client.pipe(backend)
  backend.pipe(client, { end: false })
  tieLifetimes(client, backend)
}

/** Lets a backend that closes end the client properly, and one that breaks take the client with it. */
export function tieLifetimes(client: Duplex, backend: Duplex): void {
  const end = (): void => {
    client.unpipe(backend)
    backend.end()
    closeGently(client)
  }
  const close = (): void => {
    if (!backend.readableEnded) client.destroy()
  }
  // Either may have happened right after the last bytes of the login.
  if (backend.readableEnded) end()
  else backend.once('end', end)
  if (backend.closed) close()
  else backend.once('close', close)
}
