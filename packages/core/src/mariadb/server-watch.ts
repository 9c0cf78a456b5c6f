import type { Socket } from 'node:net'
import type { ClusterConnection } from '../cluster/connection'
import { isReadOnlyError } from '../cluster/read-only'
import type { RdsIamError } from '../errors'
import type { DriverError } from './connection-login'

/** The driver's own error numbers: the socket was closed, was not open in time, or was silent; a ping was not answered. */
const NETWORK_ERRORS = [45009, 45012, 45026, 45042]

/** The end of a transaction, as the driver logs it. The driver also sends ROLLBACK when a pool gets a connection back after an error. */
const END_OF_TRANSACTION = /^QUERY: *(?:commit|rollback)(?! +to\b)/i

/** The options of a connection that we use. */
export interface WatchedOptions {
  socketTimeout?: number
  supportBigNumbers?: unknown
}

/** Watches the server of a connection, by what the driver tells its logger. */
export class ServerWatch {
  readonly #socket: Socket
  readonly #server: ClusterConnection
  readonly #options: WatchedOptions
  /** The number of commands that the driver has sent. */
  #commands = 0
  /** The number of bytes that had arrived when the driver sent the last command. */
  #bytesBefore = 0
  #isReader = false
  /** Whether the last command ends a transaction. */
  #isEnding = false

  constructor(socket: Socket, server: ClusterConnection, options: WatchedOptions) {
    this.#socket = socket
    this.#server = server
    this.#options = options
    server.watch(socket, Boolean(options.socketTimeout))
    server.isWaiting = () => socket.bytesRead === this.#bytesBefore
    server.close = (error) => this.#close(error)
  }

  /** Call when the driver is about to send a command. Returns a function that takes the command's text, if needed. */
  onCommand(): ((text: string) => void) | undefined {
    this.#commands++
    this.#bytesBefore = this.#socket.bytesRead
    if (!this.#isReader) return undefined
    return (text) => {
      this.#isEnding = END_OF_TRANSACTION.test(text)
    }
  }

  onError(error: DriverError): void {
    const { errno = 0, fatal, sqlMessage = '', cause = error } = error
    if (fatal) this.#reportEnd(NETWORK_ERRORS.includes(errno) ? new Error(sqlMessage) : cause)
    if (this.#server.role === 'reader' || !isReadOnlyError(errno, sqlMessage)) return
    // The application goes on, and has not ended its transaction, if there is one.
    if (this.#isReader) return this.#retireSoon()
    this.#isReader = true
    this.#server.setReader(true)
    // The first command opened no transaction: close the connection before a pool hands it on.
    if (this.#commands === 1) return this.#server.retire('NOT_WRITER')
    this.#retireAtEnd()
    // The driver does not tell whether a transaction is open. An application ends its transaction right after an error.
    const commands = this.#commands
    setImmediate(() => {
      if (commands === this.#commands) this.#server.retire('NOT_WRITER')
    })
  }

  #reportEnd(error: unknown): void {
    if (this.#commands > 0) this.#server.lost(error)
    else this.#server.failed(error)
  }

  /**
   * Closes the connection when its transaction has ended, before the driver tells the application.
   *
   * Driver internal (tested: 3.4.5 to 3.5.4): the driver tells nobody of success, but reads this option in each OK
   * packet. If it did not, the connection would be closed later.
   */
  #retireAtEnd(): void {
    const { supportBigNumbers } = this.#options
    Object.defineProperty(this.#options, 'supportBigNumbers', {
      get: () => {
        if (this.#isEnding) this.#retireSoon()
        return supportBigNumbers
      },
      configurable: true,
    })
  }

  #retireSoon(): void {
    process.nextTick(() => this.#server.retire('NOT_WRITER'))
  }

  #close(cause: RdsIamError): void {
    // A copy, because the driver writes into it. The driver closes the connection, and then throws the error if no
    // command waits and nothing listens.
    try {
      this.#socket.emit('error', new Error(cause.message, { cause }))
    } catch {}
    this.#socket.destroy()
  }
}
