import type { ClusterConnection } from '../cluster/connection'
import type { PgClient } from './stream'

/** The connection to the server of a cluster behind a pg Client. */
const servers = new WeakMap<object, ClusterConnection>()

/** SQLSTATE: the transaction is read-only. */
const READ_ONLY = '25006'

/**
 * Watches the role of a server, from the login on. PostgreSQL 14 and later tell it at the login. Otherwise an error that
 * says that the transaction is read-only is the sign. Closes a connection to a reader when it is idle.
 */
export function watchServer(client: PgClient, server: ClusterConnection): void {
  const { connection } = client
  servers.set(client, server)
  // The server waits for us, until the token is sent.
  server.isWaiting = () => false
  server.close = (error) => {
    // Without a listener, the 'error' event of a Client that we close would end the process.
    client.on('error', () => {})
    connection.stream.destroy(error)
  }
  connection.on('parameterStatus', ({ parameterName, parameterValue }) =>
    server.setParameter(parameterName, parameterValue),
  )
  connection.on('errorMessage', ({ code }) => {
    // A server that has just become read-only reports its settings after the error.
    if (code === READ_ONLY) connection.on('readyForQuery', leaveReader)
  })
  connection.once('readyForQuery', () => {
    // A query that the application sends right after the login gets the error.
    if (server.isMisplaced) setImmediate(() => server.retire('NOT_WRITER'))
  })

  function leaveReader({ status }: { status: string }): void {
    if (!server.isRoleKnown) server.setReader(true)
    if (!server.isMisplaced) connection.off('readyForQuery', leaveReader)
    else if (status === 'I') server.retire('NOT_WRITER')
  }
}

/**
 * Creates the `onConnect` function of a pg Pool, which rejects a connection to a reader before the application gets it.
 * Pools before pg-pool 3.13 do not call it: there the application's first query is rejected.
 */
export function createOnConnect(onConnect: unknown) {
  return function (this: unknown, client: object): unknown {
    const server = servers.get(client)
    if (server?.isMisplaced) throw server.retirement('NOT_WRITER')
    return typeof onConnect === 'function' ? onConnect.call(this, client) : undefined
  }
}
