import { connect, type Socket } from 'node:net'
import type { Address } from '@rds-iam/core/internal'
import type { TcpObservation } from '../checks/tcp'

const LIMIT_MS = 5_000

/** Connects, and returns the socket for the next check. */
export function probeTcp({ host, port }: Address): Promise<{ observation: TcpObservation; socket?: Socket }> {
  const start = performance.now()
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: LIMIT_MS })
    const end = (error: string): void => {
      socket.destroy()
      resolve({ observation: { error } })
    }
    socket.once('timeout', () => end('timeout'))
    socket.once('error', (error: NodeJS.ErrnoException) => end(error.code ?? error.message))
    socket.once('connect', () => {
      socket.setTimeout(0)
      // The next reader of the socket handles its errors by the event 'close'.
      socket
        .removeAllListeners('timeout')
        .removeAllListeners('error')
        .on('error', () => {})
      const tookMs = Math.round(performance.now() - start)
      resolve({ observation: { address: socket.remoteAddress ?? host, tookMs }, socket })
    })
  })
}
