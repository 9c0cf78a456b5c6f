import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { DSQL_DATABASE } from '../defaults'
import type { LoginContext } from '../login'
import { servePostgres, type PostgresService } from '../postgres/endpoint'
import { fatal } from '../postgres/messages'
import { bindLifetimes } from '../relay'
import { DsqlSession } from './session'

const DSQL: PostgresService = {
  defaultDatabase: () => DSQL_DATABASE,
  refusal(user, { reason, detail }) {
    // DSQL gives the reason in a hint.
    const hints: Partial<Record<typeof reason, string>> = {
      ACTION_MISMATCH: `Wrong user to action mapping. user: ${user}`,
      TOKEN_EXPIRED: `Signature expired: ${detail}`,
    }
    return fatal('08006', 'unable to accept connection, access denied', hints[reason])
  },
  parameters: (database, backend) => ({
    database: (database === DSQL_DATABASE && backend.database) || database,
    default_transaction_isolation: 'repeatable read',
  }),
  relay: relaySession,
}

/** Logs in a client with Aurora DSQL's rules and relays its session. See {@link servePostgres}. */
export function serveDsql(client: Socket, context: LoginContext): Promise<void> {
  return servePostgres(client, context, DSQL)
}

/** Relays a session, applies DSQL's rules, and closes it without a message after its maximum duration. */
function relaySession(stream: Duplex, upstream: Duplex, context: LoginContext): void {
  const limit = AbortSignal.timeout(context.maxSessionMs)
  const closeIfOver = (): void => {
    if (limit.aborted && session.isIdle) context.whenThawed(() => upstream.end())
  }
  const session = new DsqlSession(() => context.takeConflict())
  limit.addEventListener('abort', closeIfOver)
  stream.once('close', () => limit.removeEventListener('abort', closeIfOver))
  forward(stream, upstream, (data) => session.fromClient(data))
  forward(upstream, stream, (data) => session.fromServer(data))
  upstream.on('data', closeIfOver)
  // The client may have half-closed the connection right after its token.
  if (stream.readableEnded) upstream.end()
  else stream.once('end', () => void upstream.end())
  bindLifetimes(stream, upstream, context)
}

/** Forwards the data of a stream, with back-pressure. */
function forward(from: Duplex, to: Duplex, convert: (data: Buffer) => Buffer): void {
  from.on('data', (data: Buffer) => {
    const bytes = convert(data)
    if (bytes.length === 0 || !to.writable || to.write(bytes)) return
    from.pause()
    to.once('drain', () => from.resume())
  })
}
