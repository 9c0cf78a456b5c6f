import { Duplex, finished } from 'node:stream'
import type { TLSSocket } from 'node:tls'

/** The code of PostgreSQL's CancelRequest message, after its length. */
const CANCEL_REQUEST = Buffer.from([4, 210, 22, 46])

/**
 * The socket that postgres.js gets immediately. The connection behind it is opened at the first write. So
 * `connect_timeout` and `sql.end()` can end an attempt at any time. A failed attempt looks like a failed socket of
 * Node: it emits 'error', then 'close' with `hadError`, which postgres.js counts for its back-off.
 */
export class DriverSocket extends Duplex {
  /** postgres.js shows the host and the port in its own errors. */
  host: string | undefined
  port: number | undefined
  /** Whether the server accepted or refused the login. */
  answered = false
  /** Set if this connection only cancels a query, which needs no login: the key data of the query's connection. */
  cancelKey: string | undefined
  /** Reads the server's data before postgres.js does. If it destroys this socket, postgres.js does not get the data. */
  onData: ((chunk: Buffer) => void) | undefined
  /** Whether the search for a writer paces the attempts, instead of the back-off of postgres.js. */
  isPaced = false
  readonly #open: (socket: DriverSocket) => Promise<TLSSocket>
  readonly #end = new AbortController()
  /** The data that postgres.js wrote before the connection was open. */
  #held: Buffer[] = []
  #connection: TLSSocket | undefined
  #isWaiting = false
  #timer: NodeJS.Timeout | undefined

  constructor(open: (socket: DriverSocket) => Promise<TLSSocket>) {
    super({ emitClose: false })
    this.#open = open
    this.once('end', () => this.#fail(connectionError('CONNECTION_CLOSED', this)))
  }

  /** Aborted when the socket is destroyed. */
  get signal(): AbortSignal {
    return this.#end.signal
  }

  /** postgres.js calls end() only if this is 'open', and waits for 'close' unless this is 'closed'. */
  get readyState(): string {
    return this.destroyed ? 'closed' : this.writable ? 'open' : 'readOnly'
  }

  get bytesRead(): number {
    return this.#connection?.bytesRead ?? 0
  }

  /** Whether postgres.js has written since the server's last data. */
  get isWaiting(): boolean {
    return this.#isWaiting
  }

  /**
   * Emits 'timeout' when the server has sent nothing for `ms` after a write. Unlike in a socket of Node, further writes
   * do not delay it: postgres.js sends queries without waiting for the answers of others.
   */
  setTimeout(ms: number): void {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => this.#isWaiting && this.emit('timeout'), ms).unref()
  }

  override _read(): void {
    this.#connection?.resume()
  }

  override _write(chunk: Buffer, encoding: BufferEncoding, done: () => void): void {
    if (this.#connection) {
      if (!this.#isWaiting) this.#timer?.refresh()
      this.#isWaiting = true
      // Ignore a write error: the connection's end reports it.
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
    clearTimeout(this.#timer)
    // Emit 'error' and 'close' together, in a later setImmediate. If 'close' came first, postgres.js would drop a write
    // that it has scheduled with setImmediate. A query that it starts between 'error' and 'close' never settles.
    setImmediate(() => {
      done(error)
      // A connection that was open does not count for the back-off.
      process.nextTick(() => this.emit('close', error !== null && !this.answered && !this.isPaced))
    })
  }

  #begin(first: Buffer): void {
    if (first.subarray(4, 8).equals(CANCEL_REQUEST)) this.cancelKey = first.toString('hex', 8, 16)
    this.#open(this).then(
      (connection) => this.#attach(connection),
      (error: Error) => this.#fail(error),
    )
  }

  #attach(connection: TLSSocket): void {
    this.#connection = connection
    connection.on('data', (chunk) => {
      this.#isWaiting = false
      this.onData?.(chunk)
      if (!this.destroyed && !this.push(chunk)) connection.pause()
    })
    finished(connection, { writable: false }, (error) => {
      if (error) this.#fail(error)
      else this.push(null)
    })
    for (const chunk of this.#held) connection.write(chunk)
    this.#held = []
  }

  #fail(error: Error): void {
    // Hide the error of a cancellation: postgres.js does not handle it, so it would end the process.
    this.destroy(this.cancelKey ? undefined : error)
  }
}

/** Creates a connection error in the form of postgres.js's own. */
export function connectionError(
  code: string,
  { host, port }: { host: string | undefined; port: number | undefined },
): Error {
  return Object.assign(new Error(`write ${code} ${host}:${port}`), { code, errno: code, address: host, port })
}
