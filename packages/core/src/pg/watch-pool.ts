import type { EventEmitter } from 'node:events'
import { dsqlLifetimeSeconds } from '../login/dsql-lifetime'

type Pool = EventEmitter & { options?: { maxLifetimeSeconds?: number } }

const watched = new WeakSet<EventEmitter>()

/**
 * Creates the `log` function of a pg Pool. The pool calls it as its method, which is our only access to the pool. A
 * pool emits 'error' when the server closes an idle connection, and a checked-out client emits its own 'error'.
 * Without a listener, each of these would end the process.
 *
 * With `variesLifetime`, each connection gets a lifetime of its own: the pool calls `log` before it reads the option.
 */
export function watchPool(log: unknown, variesLifetime: boolean) {
  return function (this: Pool | undefined, ...messages: unknown[]): void {
    if (typeof this?.on === 'function' && !watched.has(this)) {
      watched.add(this)
      this.on('error', () => {})
      this.on('connect', (client: EventEmitter) => client.on('error', () => {}))
    }
    if (variesLifetime && this?.options) this.options.maxLifetimeSeconds = dsqlLifetimeSeconds()
    if (typeof log === 'function') log.apply(this, messages)
  }
}
