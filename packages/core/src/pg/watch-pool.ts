import type { EventEmitter } from 'node:events'
import { dsqlLifetimeSeconds } from '../login/dsql-lifetime'

type Pool = EventEmitter & { options?: { maxLifetimeSeconds?: number } }

const watched = new WeakSet<EventEmitter>()

/**
 * Creates the `log` function of a pg Pool. The pool calls it as its method, which is our only access to the pool. A
 * pool emits 'error' when the server closes an idle connection, and a checked-out client emits its own 'error'.
 * Without a listener, each of these would end the process.
 *
 * `lifetime` is the `maxLifetimeSeconds` that we set. Each connection gets another one: the pool calls `log` before it
 * reads the option. A value that the application sets later is left alone.
 */
export function watchPool(log: unknown, lifetime: number | undefined) {
  const lifetimes = new WeakMap<EventEmitter, number>()
  return function (this: Pool | undefined, ...messages: unknown[]): void {
    if (typeof this?.on === 'function' && !watched.has(this)) {
      watched.add(this)
      this.on('error', () => {})
      this.on('connect', (client: EventEmitter) => client.on('error', () => {}))
    }
    if (lifetime !== undefined && this?.options) {
      const { options } = this
      if (options.maxLifetimeSeconds === (lifetimes.get(this) ?? lifetime)) {
        options.maxLifetimeSeconds = dsqlLifetimeSeconds()
        lifetimes.set(this, options.maxLifetimeSeconds)
      }
    }
    if (typeof log === 'function') log.apply(this, messages)
  }
}
