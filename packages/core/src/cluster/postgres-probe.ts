import type { TLSSocket } from 'node:tls'
import type { Login } from '../login/login'
import type { LoginTarget } from '../login/login-target'
import { firstMessage, HEADER_BYTES, readError, typeOf } from '../postgres/messages'
import { openTls } from '../postgres/open-tls'
import type { Answer, Member, Probe, Session } from './probe'

const PROTOCOL_3_0 = [0, 3, 0, 0]
const AUTHENTICATION_OK = 0
const AUTHENTICATION_CLEARTEXT_PASSWORD = 3

/**
 * One message, for one round trip. Where Aurora's functions do not exist, the second statement fails after the first has
 * answered. Every name and operator has its schema, so that no search_path changes the meaning.
 */
const ROLE = `select pg_catalog.pg_is_in_recovery(), setting, source from pg_catalog.pg_settings
where name operator(pg_catalog.=) 'default_transaction_read_only'`
const ROLE_AND_MEMBERS = `${ROLE};
select pg_catalog.aurora_db_instance_identifier();
select server_id, session_id, replica_lag_in_msec,
  pg_catalog.date_part('epoch', pg_catalog.timestamptz_mi(pg_catalog.now(), last_update_timestamp))
from pg_catalog.aurora_replica_status()`

/** The `session_id` of the writer in aurora_replica_status(). */
const WRITER_SESSION = 'MASTER_SESSION_ID'

/** A removed instance stays in the list for a while, without updates. */
const OLDEST_UPDATE_SECONDS = 300

/** Logs in to a PostgreSQL server. */
export async function openPostgresProbe(
  login: Login,
  target: LoginTarget,
  session: Session,
  signal: AbortSignal,
): Promise<Probe> {
  const [socket, token] = await Promise.all([
    openTls(login, target, { signal }),
    login.token(target, session.user),
  ])
  const messages = readMessages(socket)
  const next = async (): Promise<Buffer> => (await messages.next()).value as Buffer
  try {
    socket.write(startup(session))
    for (let isReady = false; !isReady;) {
      const message = await next()
      const type = typeOf(message)
      if (type === 'E') throw readError(message)
      if (type === 'R') {
        const request = message.readUInt32BE(HEADER_BYTES)
        if (request === AUTHENTICATION_CLEARTEXT_PASSWORD) socket.write(packet('p', `${token.value}\0`))
        else if (request !== AUTHENTICATION_OK) throw new Error('the server does not ask for a token')
      }
      isReady = type === 'Z'
    }
  } catch (error) {
    socket.destroy()
    throw error
  }
  let question = ROLE_AND_MEMBERS
  return {
    async ask() {
      socket.write(packet('Q', `${question}\0`))
      const rows: (string | undefined)[][] = []
      for (;;) {
        const message = await next()
        const type = typeOf(message)
        if (type === 'D') rows.push(readRow(message))
        // Without Aurora's functions each question would add errors to the server's log.
        if (type === 'E') question = ROLE
        if (type === 'Z') return readAnswer(rows)
      }
    },
    close() {
      socket.end(packet('X', ''))
      // Do not wait for the server to close its side.
      socket.destroySoon()
    },
  }
}

/** Reads the rows of the statements that succeeded: the role, the server's instance identifier, the instances. */
export function readAnswer([role, identifier, ...rows]: (string | undefined)[][]): Answer {
  if (role === undefined) throw new Error('the server did not tell its role')
  const [inRecovery, readOnly, source] = role
  const isStandby = inRecovery !== 'f'
  // Ignore a setting of a user or a database: it does not mean that the whole server is read-only.
  const isReadOnly = !isStandby && readOnly === 'on' && source === 'configuration file'
  const instance = identifier?.[0]
  const members = rows.flatMap(([name, sessionId, lag, age]): Member[] => {
    const isWriter = sessionId === WRITER_SESSION
    if (!name || (!isWriter && Number(age ?? 0) > OLDEST_UPDATE_SECONDS)) return []
    return [{ instance: name, isWriter, ...(lag === undefined ? {} : { lagMs: Number(lag) }) }]
  })
  return {
    isWriter: !isStandby && !isReadOnly,
    ...(isReadOnly ? { isReadOnly } : {}),
    members,
    ...(instance ? { instance } : {}),
  }
}

async function* readMessages(socket: TLSSocket): AsyncGenerator<Buffer, never> {
  let unread: Buffer = Buffer.alloc(0)
  for await (const chunk of socket as AsyncIterable<Buffer>) {
    unread = Buffer.concat([unread, chunk])
    for (let message = firstMessage(unread); message; message = firstMessage(unread)) {
      unread = unread.subarray(message.length)
      yield message
    }
  }
  throw new Error('the server closed the connection')
}

function startup({ user, database }: Session): Buffer {
  const settings = {
    user,
    ...(database ? { database } : {}),
    client_encoding: 'UTF8',
    application_name: 'rds-iam',
  }
  const body = Object.entries(settings).flat().join('\0')
  return packet('', `${Buffer.from(PROTOCOL_3_0).toString('latin1')}${body}\0\0`)
}

function packet(type: string, body: string): Buffer {
  const bytes = Buffer.from(body)
  const length = Buffer.alloc(4)
  length.writeUInt32BE(4 + bytes.length)
  return Buffer.concat([Buffer.from(type), length, bytes])
}

/** Reads a DataRow: a count, then for each column its length (-1: null) and its text. */
function readRow(message: Buffer): (string | undefined)[] {
  const columns: (string | undefined)[] = []
  for (let at = HEADER_BYTES + 2; at < message.length;) {
    const length = message.readInt32BE(at)
    at += 4
    columns.push(length < 0 ? undefined : message.toString('utf8', at, at + length))
    at += Math.max(length, 0)
  }
  return columns
}
