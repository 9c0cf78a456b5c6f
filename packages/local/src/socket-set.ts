import { once } from 'node:events'
import type { Duplex } from 'node:stream'

/** Open sockets. */
export class SocketSet {
  readonly #sockets = new Set<Duplex>()

  /** Number of open sockets. */
  get size(): number {
    return this.#sockets.size
  }

  /** Adds a socket until it closes. */
  add(socket: Duplex): void {
    this.#sockets.add(socket)
    socket.once('close', () => this.#sockets.delete(socket))
    socket.on('error', () => {}) // 'close' follows
  }

  /** Stops reading from all sockets. */
  pause(): void {
    for (const socket of this.#sockets) socket.pause()
  }

  /** Reads from all sockets again. */
  resume(): void {
    for (const socket of this.#sockets) socket.resume()
  }

  /** Closes all sockets at once, and resolves when they are closed. */
  async destroy(): Promise<void> {
    const closed = [...this.#sockets].map((socket) => once(socket, 'close'))
    for (const socket of this.#sockets) socket.destroy()
    await Promise.all(closed)
  }
}
