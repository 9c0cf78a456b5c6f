import { connect, type Socket } from 'node:net'
import type { Address } from '@rds-iam/core/internal'
import type { TcpObservation } from '../checks/tcp'

const LIMIT_MS = 5_000

/** Connects, and gives the socket for what comes next. */
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
      // What becomes of it from here on, whoever reads it sees by its end.
      socket
        .removeAllListeners('timeout')
        .removeAllListeners('error')
        .on('error', () => {})
      const tookMs = Math.round(performance.now() - start)
      resolve({ observation: { address: socket.remoteAddress ?? host, tookMs }, socket })
    })
  })
}
