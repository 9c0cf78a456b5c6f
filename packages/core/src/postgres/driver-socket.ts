import { Duplex, finished } from 'node:stream'
import type { TLSSocket } from 'node:tls'

/** The code of PostgreSQL's CancelRequest message, after its length. */
const CANCEL_REQUEST = Buffer.from([4, 210, 22, 46])

/**
 * The socket that postgres.js gets at once; the connection behind it is opened when postgres.js first writes. So
 * `connect_timeout` and `sql.end()` end an attempt at any time, and a failed attempt looks to postgres.js like a
 * socket of Node's that failed: an 'error', then a 'close' with `hadError`, which its back-off counts.
 */
export class DriverSocket extends Duplex {
  /** postgres.js names the address in its own errors. */
  host: string | undefined
  port: number | undefined
  /** Whether the server accepted or refused the login. */
  answered = false
  /** Whether it only cancels a query: this needs no login. */
  cancels = false
  readonly #open: (socket: DriverSocket) => Promise<TLSSocket>
  readonly #end = new AbortController()
  /** What postgres.js wrote before there was a connection. */
  #held: Buffer[] = []
  #connection: TLSSocket | undefined
  #failed = true

  constructor(open: (socket: DriverSocket) => Promise<TLSSocket>) {
    super({ emitClose: false })
    this.#open = open
    this.once('end', () => {
      // Sessions that a server closes after the login do not count for the back-off.
      this.#failed = !this.answered
      this.#fail(connectionError('CONNECTION_CLOSED', this))
    })
  }

  /** Aborted when the socket is destroyed. */
  get signal(): AbortSignal {
    return this.#end.signal
  }

  /** postgres.js calls end() only on a socket that is 'open', and awaits the 'close' of one that is not 'closed'. */
  get readyState(): string {
    return this.destroyed ? 'closed' : this.writable ? 'open' : 'readOnly'
  }

  override _read(): void {
    this.#connection?.resume()
  }

  override _write(chunk: Buffer, encoding: BufferEncoding, done: () => void): void {
    if (this.#connection) {
      // A failed write is reported by the end of the connection.
      if (this.#connection.write(chunk, encoding)) done()
      else this.#connection.once('drain', done)
      return
    }
    if (this.#held.push(chunk) === 1) this.#begin(chunk)
    done()
  }

  override _final(done: () => void): void {
    if (!this.#connection) {
      this.destroy()
      return
    }
    this.#connection.end(() => {
      done()
      this.destroy()
    })
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#end.abort()
    // postgres.js drops a write that it scheduled with setImmediate if 'close' comes first, and never settles a
    // query that it runs between 'error' and 'close': emit both together, after that write.
    setImmediate(() => {
      done(error)
      process.nextTick(() => this.emit('close', error !== null && this.#failed))
    })
  }

  #begin(first: Buffer): void {
    this.cancels = first.subarray(4, 8).equals(CANCEL_REQUEST)
    this.#open(this).then(
      (connection) => this.#attach(connection),
      (error: Error) => this.#fail(error),
    )
  }

  #attach(connection: TLSSocket): void {
    this.#connection = connection
    connection.on('data', (chunk) => {
      if (!this.push(chunk)) connection.pause()
    })
    finished(connection, { writable: false }, (error) => {
      if (error) this.#fail(error)
      else this.push(null)
    })
    for (const chunk of this.#held) connection.write(chunk)
    this.#held = []
  }

  #fail(error: Error): void {
    // Nothing in postgres.js handles the error of a cancellation: it would end the process.
    this.destroy(this.cancels ? undefined : error)
  }
}

/** An error as postgres.js makes it for a connection. */
export function connectionError(
  code: string,
  { host, port }: { host: string | undefined; port: number | undefined },
): Error {
  return Object.assign(new Error(`write ${code} ${host}:${port}`), { code, errno: code, address: host, port })
}
