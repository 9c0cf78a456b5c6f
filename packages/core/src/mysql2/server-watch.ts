import type { ClusterConnection } from '../cluster/connection'
import { ServerAnswers } from './server-answers'
import { failSocket, type Connection } from './stream'

/** Watches an open connection: whether its server fails, or turns out to be a reader. */
export function watchServer(connection: Connection, server: ClusterConnection): void {
  const { stream } = connection
  server.isWaiting = () => Boolean(connection._command)
  server.close = (error) => {
    if (connection._command) return failSocket(stream, error)
    // Without a command an error would go to the connection, where often nothing listens.
    connection.destroy()
    stream.destroySoon()
  }
  stream.once('error', (error) => {
    if (connection.authorized) server.lost(error.cause ?? error)
  })
  stream.once('end', () => {
    if (connection.authorized && !connection._closing)
      server.lost(new Error('the server closed the connection'))
  })
  if (server.role === 'writer') retireReader(connection, server)
}

/**
 * Closes a connection whose server has refused a statement because it is a reader, as soon as the connection is idle
 * and outside a transaction.
 */
function retireReader(connection: Connection, server: ClusterConnection): void {
  const answers = new ServerAnswers()
  let isKnown = false
  // Comes before the driver, so that a pool forgets the connection before it could hand it on.
  connection.stream.prependListener('data', (chunk: Buffer) => {
    answers.read(chunk)
    if (!answers.isReader) return
    if (!isKnown) {
      isKnown = true
      server.setReader(true)
      // A pool removes a connection that emits this. The application can still use it until its transaction ends.
      if (connection.config.pool) connection.emit('end')
    }
    if (answers.isInTransaction) return
    process.nextTick(() => {
      if (!connection._command) server.retire('NOT_WRITER')
    })
  })
}
