import type { EventEmitter } from 'node:events'

const watched = new WeakSet<EventEmitter>()

/**
 * Makes the `log` function of a pg Pool, which the pool calls as its method: the one place that knows the
 * pool. A pool emits 'error' for each idle connection that the server closes, and a client that is checked
 * out emits its own: without a listener either ends the process.
 */
export function watchPool(log: unknown) {
  return function (this: EventEmitter | undefined, ...messages: unknown[]): void {
    if (typeof this?.on === 'function' && !watched.has(this)) {
      watched.add(this)
      this.on('error', () => {})
      this.on('connect', (client: EventEmitter) => client.on('error', () => {}))
    }
    if (typeof log === 'function') log.apply(this, messages)
  }
}
