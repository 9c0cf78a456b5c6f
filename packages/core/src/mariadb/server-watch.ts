import type { Socket } from 'node:net'
import type { ClusterConnection } from '../cluster/connection'
import { isReadOnlyError } from '../cluster/read-only'
import type { RdsIamError } from '../errors'
import type { DriverError } from './connection-login'

/** The driver's own error numbers: the socket was closed, was not open in time, or was silent; a ping was not answered. */
const NETWORK_ERRORS = [45009, 45012, 45026, 45042]
/** How long to wait for the end of a transaction, before looking again. */
const PAUSE_MS = 20

/** Watches the server of a connection, by what the driver tells its logger. */
export class ServerWatch {
  readonly #socket: Socket
  readonly #server: ClusterConnection
  /** The number of commands that the driver has sent. */
  #commands = 0
  /** The number of bytes that had arrived when the driver sent the last command. */
  #bytesBefore = 0
  #isReader = false

  constructor(socket: Socket, server: ClusterConnection, socketTimeout: number | undefined) {
    this.#socket = socket
    this.#server = server
    server.watch(socket, Boolean(socketTimeout))
    server.isWaiting = () => socket.bytesRead === this.#bytesBefore
    server.close = (error) => this.#close(error)
  }

  /** Call when the driver is about to send a command. */
  onCommand(): void {
    this.#commands++
    this.#bytesBefore = this.#socket.bytesRead
  }

  onError(error: DriverError): void {
    const { errno = 0, fatal, sqlMessage = '', cause } = error
    if (fatal) this.#server.failed(NETWORK_ERRORS.includes(errno) ? undefined : (cause ?? error))
    if (this.#isReader || this.#server.role === 'reader' || !isReadOnlyError(errno, sqlMessage)) return
    this.#isReader = true
    this.#server.setReader(true)
    setImmediate(() => this.#retireWhenIdle(this.#commands))
  }

  /**
   * Closes the connection when it is idle. The driver does not tell whether a transaction is open. An application ends
   * its transaction right after an error, so wait until it has sent nothing for a while.
   */
  #retireWhenIdle(commands: number): void {
    if (commands === this.#commands && !this.#server.isWaiting()) this.#server.retire('NOT_WRITER')
    else setTimeout(() => this.#retireWhenIdle(this.#commands), PAUSE_MS).unref()
  }

  #close(cause: RdsIamError): void {
    // A copy: the driver writes into it. At an idle connection without a listener the driver throws it, after it has
    // closed the connection.
    try {
      this.#socket.emit('error', new Error(cause.message, { cause }))
    } catch {}
    this.#socket.destroy()
  }
}
