import type { Socket } from 'node:net'

/** The server let us wait. */
export class Silence extends Error {}

/** Reads at least so many bytes of a socket, and leaves it paused; fewer where it closes before. */
export function readAtLeast(socket: Socket, size: number, limitMs: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    let seen = Buffer.alloc(0)
    if (socket.destroyed) return resolve(seen)
    const stop = (): void => {
      clearTimeout(timer)
      socket.off('data', onData).off('error', onError).off('close', onClose)
      socket.pause()
    }
    const onData = (chunk: Buffer): void => {
      seen = Buffer.concat([seen, chunk])
      if (seen.length < size) return
      stop()
      resolve(seen)
    }
    const onClose = (): void => {
      stop()
      resolve(seen)
    }
    const onError = (error: NodeJS.ErrnoException): void => {
      if (error.code === 'ECONNRESET') return onClose()
      stop()
      reject(error)
    }
    const timer = setTimeout(() => onError(new Silence()), limitMs)
    socket.on('data', onData).once('error', onError).once('close', onClose)
    socket.resume()
  })
}
