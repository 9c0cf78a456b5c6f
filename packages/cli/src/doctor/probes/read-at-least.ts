import type { Socket } from 'node:net'

/** The server did not send what it must in time. */
export class ReadTimeout extends Error {}

/**
 * Reads a socket until there are at least `size` bytes, including those `read` before, and pauses it. The result is
 * shorter if the socket closes.
 *
 * @throws {ReadTimeout}
 */
export function readAtLeast(
  socket: Socket,
  size: number,
  limitMs: number,
  read: Buffer = Buffer.alloc(0),
): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    let seen = read
    if (seen.length >= size || socket.destroyed) return resolve(seen)
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
    const timer = setTimeout(() => onError(new ReadTimeout()), limitMs)
    socket.on('data', onData).once('error', onError).once('close', onClose)
    socket.resume()
  })
}
