import type { EventEmitter } from 'node:events'

const watched = new WeakSet<EventEmitter>()

/**
 * Creates the `log` function of a pg Pool. The pool calls it as its method, which is our only access to the pool. A
 * pool emits 'error' when the server closes an idle connection, and a checked-out client emits its own 'error'.
 * Without a listener, each of these would end the process.
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
