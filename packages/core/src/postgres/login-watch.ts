import type { LoginAttempt } from '../login/login'
import type { DriverSocket } from './driver-socket'

/** Reads the server's messages on connections that log in: postgres.js has no events for them. */
export interface LoginWatch {
  /** Watches a connection until its login ends, then until the connection is lost. */
  login(socket: DriverSocket, attempt: LoginAttempt): void
  /** postgres.js's `password` function: the token for the connection whose server has just requested it. */
  password(): string
}

// A PostgreSQL message: one letter, the length of itself and the body (4 bytes), the body.
const HEADER_BYTES = 5
const ERROR_RESPONSE = 'E'.charCodeAt(0)
const AUTHENTICATION = 'R'.charCodeAt(0)
const AUTHENTICATION_OK = 0

/** SQLSTATE class 28: invalid authorization specification. */
const REFUSED = /^28/

/** The names that postgres.js gives to the fields of a server's error. */
const FIELDS: Record<string, string> = {
  S: 'severity_local',
  V: 'severity',
  C: 'code',
  M: 'message',
  D: 'detail',
  H: 'hint',
  F: 'file',
  L: 'line',
  R: 'routine',
}

export function createLoginWatch(): LoginWatch {
  // Internal of postgres.js (tested: 3.4.4 to 3.4.9): it calls `password` without naming the connection, but always in
  // the microtasks after the chunk with the server's request. If it called later, it would get no token, and the
  // server would refuse the login.
  let requested: LoginAttempt | undefined

  return {
    password() {
      const token = requested?.token.value ?? ''
      requested = undefined
      return token
    },
    login(socket, attempt) {
      let unread: Buffer = Buffer.alloc(0)
      const listen = (chunk: Buffer): void => {
        requested = attempt
        queueMicrotask(() => {
          if (requested === attempt) requested = undefined
        })
        unread = Buffer.concat([unread, chunk])
        for (let message = firstOf(unread); message; message = firstOf(unread)) {
          unread = unread.subarray(message.length)
          socket.answered = message[0] === ERROR_RESPONSE || isAccepted(message)
          if (!socket.answered) continue
          socket.off('data', listen)
          if (message[0] === ERROR_RESPONSE) emitRefusal(socket, attempt, readError(message))
          else watchLoss(socket, attempt)
          return
        }
      }
      // Prepend: read the data before postgres.js does.
      socket.prependListener('data', listen)
    },
  }
}

/** Emits our own error before postgres.js creates its error, to which we could not add a cause. */
function emitRefusal(socket: DriverSocket, attempt: LoginAttempt, fields: { code?: string }): void {
  if (!REFUSED.test(fields.code ?? '')) return
  const error = Object.assign(new Error(), fields)
  Object.defineProperty(error, 'name', { value: 'PostgresError', configurable: true, writable: true })
  attempt.refused(error)
  socket.emit('error', error)
  socket.destroy()
}

function watchLoss(socket: DriverSocket, attempt: LoginAttempt): void {
  socket.once('error', (error) => {
    // A connection that postgres.js itself has ended is not lost.
    if (!socket.writableEnded) attempt.lost(error)
  })
}

/** The first complete message. */
function firstOf(bytes: Buffer): Buffer | undefined {
  if (bytes.length < HEADER_BYTES) return undefined
  const length = 1 + bytes.readUInt32BE(1)
  return bytes.length < length ? undefined : bytes.subarray(0, length)
}

function isAccepted(message: Buffer): boolean {
  return message[0] === AUTHENTICATION && message.readUInt32BE(HEADER_BYTES) === AUTHENTICATION_OK
}

function readError(message: Buffer): { code?: string } {
  const fields = message.toString('utf8', HEADER_BYTES).split('\0')
  const known = fields.flatMap((field) => {
    const name = FIELDS[field.charAt(0)]
    return name === undefined ? [] : [[name, field.slice(1)]]
  })
  return Object.fromEntries(known) as { code?: string }
}
