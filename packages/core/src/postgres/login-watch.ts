import type { ClusterConnection } from '../cluster/connection'
import type { LoginAttempt } from '../login/login'
import type { LoginTarget } from '../login/login-target'
import type { DriverSocket } from './driver-socket'
import { firstMessage, HEADER_BYTES, readError, typeOf } from './messages'

/** Reads the server's messages on connections that log in: postgres.js has no events for them. */
export interface LoginWatch {
  /** Watches a connection until its login ends, then until the connection is lost. */
  login(socket: DriverSocket, target: LoginTarget, attempt: LoginAttempt): void
  /** postgres.js's `password` function: the token for the connection whose server has just requested it. */
  password(): string
  /** The server of the connection with this key data. */
  targetByKey(key: string): LoginTarget | undefined
}

const AUTHENTICATION_OK = 0

const ERROR_RESPONSE = 'E'.charCodeAt(0)

/** SQLSTATE: the transaction is read-only. */
const READ_ONLY = '25006'

/** The setting with which transactions are read-only. */
const READ_ONLY_SETTING = 'default_transaction_read_only'

/** How many bytes at the end of an answer to search for an error and the messages after it. */
const LONGEST_ERROR = 4_096

/** A ReadyForQuery message, without the status at its end. */
const READY = 'Z\0\0\0\x05'

export function createLoginWatch(): LoginWatch {
  // Internal of postgres.js (tested: 3.4.4 to 3.4.9): it calls `password` without naming the connection, but always in
  // the microtasks after the chunk with the server's request. If it called later, it would get no token, and the
  // server would refuse the login.
  let requested: LoginAttempt | undefined
  const targets = new Map<string, LoginTarget>()

  return {
    password() {
      const token = requested?.token.value ?? ''
      requested = undefined
      return token
    },
    targetByKey: (key) => targets.get(key),
    login(socket, target, attempt) {
      const { connection: server } = target
      let unread: Buffer = Buffer.alloc(0)
      let isAccepted = false
      /** The server's error that ended the session. */
      let lastError: Error | undefined
      socket.once('error', (error) => {
        // A connection that postgres.js itself has ended is not lost.
        if (socket.writableEnded) return
        if (isAccepted) attempt.lost(lastError ?? error)
        else server?.failed(error)
      })
      socket.onData = (chunk) => {
        if (!socket.answered) {
          requested = attempt
          queueMicrotask(() => {
            if (requested === attempt) requested = undefined
          })
        }
        unread = Buffer.concat([unread, chunk])
        for (
          let message = firstMessage(unread);
          message && !socket.destroyed;
          message = firstMessage(unread)
        ) {
          unread = unread.subarray(message.length)
          read(message)
        }
      }

      function read(message: Buffer): void {
        const type = typeOf(message)
        if (type === 'E') {
          socket.answered = true
          socket.onData = undefined
          const error = readError(message)
          if (attempt.isRefusal(error.code)) emitRefusal(socket, attempt, error)
          else server?.failed(error)
        } else if (type === 'R' && message.readUInt32BE(HEADER_BYTES) === AUTHENTICATION_OK) {
          socket.answered = true
          isAccepted = true
          if (!server) socket.onData = undefined
        } else if (type === 'S' && server) {
          const [name, value] = message.toString('utf8', HEADER_BYTES).split('\0')
          server.setParameter(name, value)
        } else if (type === 'K') {
          const key = message.toString('hex', HEADER_BYTES, HEADER_BYTES + 8)
          targets.set(key, target)
          socket.once('close', () => targets.delete(key))
        } else if (type === 'Z' && server) {
          const watchErrors = createErrorWatch(server)
          socket.onData = (chunk) => {
            if (isFatal(chunk)) lastError = readError(chunk)
            else watchErrors(chunk)
          }
          if (server.isMisplaced) leaveReader(socket, server)
        }
      }
    },
  }
}

/** Makes postgres.js open another connection, which goes to the writer. Its query does not notice. */
function leaveReader(socket: DriverSocket, server: ClusterConnection): void {
  const error = server.retirement('NOT_WRITER')
  // postgres.js repeats a login whose socket closes without an error. Do not repeat it without an end.
  socket.destroy(server.isLastResort ? error : undefined)
}

/** Whether a server's error ends the session, such as an idle timeout. Field V of the message is the severity. */
function isFatal(chunk: Buffer): boolean {
  return chunk[0] === ERROR_RESPONSE && chunk.includes('\0VFATAL\0')
}

/**
 * Returns a function that reads the server's answers. If the server has not told its role, an error 25006 means that it
 * is a reader. The function then closes the connection, once no transaction is open.
 */
function createErrorWatch(server: ClusterConnection): (chunk: Buffer) => void {
  let isRefused = false
  return (chunk) => {
    const end = chunk.subarray(-LONGEST_ERROR)
    // The server reports a changed setting with the answer to any statement.
    if (end.includes(`${READ_ONLY_SETTING}\0on\0`)) server.setParameter(READ_ONLY_SETTING, 'on')
    // Other answers may come before the error in the same chunk. Its field C is the SQLSTATE.
    isRefused ||= end.includes(`\0C${READ_ONLY}\0`)
    if (!isRefused) return
    const [isReady, status] = [end.includes(READY, -6), end.toString('latin1', end.length - 1)]
    if (!isReady) return
    if (!server.isRoleKnown) server.setReader(true)
    if (!server.isMisplaced) isRefused = false
    else if (status === 'I') setImmediate(() => server.retire('NOT_WRITER'))
  }
}

/** Emits our own error before postgres.js creates its error, to which we could not add a cause. */
function emitRefusal(socket: DriverSocket, attempt: LoginAttempt, error: Error & { code?: string }): void {
  Object.defineProperty(error, 'name', { value: 'PostgresError', configurable: true, writable: true })
  attempt.refused(error)
  socket.emit('error', error)
  socket.destroy()
}
