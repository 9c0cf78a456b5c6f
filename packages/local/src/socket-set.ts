import { once } from 'node:events'
import type { Socket } from 'node:net'

/** Sockets that are open. */
export interface SocketSet {
  /** Number of sockets. */
  readonly size: number
  /** Adds a socket until it closes. */
  add(socket: Socket): void
  /** Closes all sockets at once, and resolves when they are closed. */
  destroy(): Promise<void>
}

/** Begins an empty set. */
export function createSocketSet(): SocketSet {
  const sockets = new Set<Socket>()
  return {
    get size() {
      return sockets.size
    },
    add(socket) {
      sockets.add(socket)
      socket.once('close', () => sockets.delete(socket))
      socket.on('error', () => {}) // 'close' follows
    },
    async destroy() {
      const closed = [...sockets].map((socket) => once(socket, 'close'))
      for (const socket of sockets) socket.destroy()
      await Promise.all(closed)
    },
  }
}
