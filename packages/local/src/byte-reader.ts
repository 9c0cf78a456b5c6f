import type { Duplex } from 'node:stream'

/** A stream that ended, broke, or said something that its protocol does not allow. */
export class ProtocolError extends Error {
  override readonly name = 'ProtocolError'
}

/**
 * Takes exactly `size` bytes out of a paused stream, and leaves the rest in it.
 *
 * Nothing but the asked bytes is consumed, so that the stream can be piped, or wrapped in TLS, afterwards.
 * @throws {ProtocolError} when the stream ends or breaks before.
 */
export function readBytes(stream: Duplex, size: number): Promise<Buffer> {
  if (size === 0) return Promise.resolve(Buffer.alloc(0))
  return new Promise((resolve, reject) => {
    const attempt = (): void => {
      const chunk = stream.read(size) as Buffer | null
      if (chunk === null) {
        if (stream.readableEnded || stream.destroyed) fail()
        return
      }
      stop()
      if (chunk.length === size) resolve(chunk)
      else reject(new ProtocolError('the stream ended in the middle of a message'))
    }
    const fail = (): void => {
      stop()
      reject(new ProtocolError('the stream ended'))
    }
    const stop = (): void => {
      stream.off('readable', attempt).off('end', fail).off('close', fail).off('error', fail)
    }
    stream.on('readable', attempt).on('end', fail).on('close', fail).on('error', fail)
    attempt()
  })
}
