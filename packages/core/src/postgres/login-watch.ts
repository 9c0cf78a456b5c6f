import type { LoginAttempt } from '../login/login'
import type { DriverSocket } from './driver-socket'
import { firstMessage, HEADER_BYTES, readError } from './messages'

/** Reads the server's messages on connections that log in: postgres.js has no events for them. */
export interface LoginWatch {
  /** Watches a connection until its login ends, then until the connection is lost. */
  login(socket: DriverSocket, attempt: LoginAttempt): void
  /** postgres.js's `password` function: the token for the connection whose server has just requested it. */
  password(): string
}

const ERROR_RESPONSE = 'E'.charCodeAt(0)
const AUTHENTICATION = 'R'.charCodeAt(0)
const AUTHENTICATION_OK = 0

/** SQLSTATE class 28: invalid authorization specification. */
const REFUSED = /^28/

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
        for (let message = firstMessage(unread); message; message = firstMessage(unread)) {
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
function emitRefusal(socket: DriverSocket, attempt: LoginAttempt, error: Error & { code?: string }): void {
  if (!REFUSED.test(error.code ?? '')) return
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

function isAccepted(message: Buffer): boolean {
  return message[0] === AUTHENTICATION && message.readUInt32BE(HEADER_BYTES) === AUTHENTICATION_OK
}
