import type { Socket } from 'node:net'
import { isRdsIamError, RdsIamError } from '../errors'
import { publish } from '../events'
import { isOutage, isUnusable } from './failures'

/** How long a connection waits for an answer, without receiving a byte, before we look at its server. */
const SILENCE_MS = 2_000

/** The server that a connection is opened to. */
export interface Server {
  /** The name to sign for, which is also in the certificate. */
  host: string
  port: number
  /** The IP address to dial. Default: the one in DNS. */
  address?: string
}

/**
 * A socket that emits 'timeout' when it was idle. Node restarts the socket's timer at each read and write, and the timer
 * does not keep the process alive.
 */
interface SilentSocket {
  readonly bytesRead: number
  readonly destroyed: boolean
  setTimeout(ms: number): unknown
  on(event: 'timeout', listener: () => void): unknown
}

/** Gets what a connection notices. */
export interface ConnectionObserver {
  /** The server ended the connection, or is a reader. */
  onDoubt(connection: ClusterConnection): void
  /** The network or the server failed while the connection was opened. */
  onFailedLogin(connection: ClusterConnection): void
  /** The server says that it is the writer. */
  onWriter(connection: ClusterConnection): void
  /** The server refused the login, or its name does not exist or is not in its certificate. */
  onRefused(connection: ClusterConnection): void
  /** The server is silent while the driver waits for it. */
  onSilence(connection: ClusterConnection): void
}

/** What a connection is opened with. */
interface Opened {
  server: Server
  role: 'writer' | 'reader'
  owner: object
  generation: number
  isLastResort: boolean
  close: (error: RdsIamError) => void
}

/** A connection of a driver to a server of a cluster. The driver's hook reports here what happens to it. */
export class ClusterConnection {
  readonly server: Server
  /** The kind of server that the application wants. */
  readonly role: 'writer' | 'reader'
  /** The configuration that the connection belongs to. Used as a key only. */
  readonly owner: object
  /** The cluster's generation when this server was last known to be the right one. */
  generation: number
  /** Whether the endpoint was dialled without knowing the writer. */
  readonly isLastResort: boolean
  /** Closes the driver's connection in a way that makes the driver report the error. A hook may replace it. */
  close: (error: RdsIamError) => void
  /** Whether the driver waits for the server. A hook may replace it. */
  isWaiting = (): boolean => true
  readonly #observer: ConnectionObserver
  #address: string | undefined
  #isReader: boolean | undefined
  /** Whether PostgreSQL reports that transactions are read-only by default. */
  #isReadOnly = false
  #isOver = false

  constructor(observer: ConnectionObserver, opened: Opened) {
    const { server, role, owner, generation, isLastResort, close } = opened
    this.#observer = observer
    this.server = server
    this.role = role
    this.owner = owner
    this.generation = generation
    this.isLastResort = isLastResort
    this.close = close
  }

  /** The server's IP address. Undefined until the socket is connected. */
  get address(): string | undefined {
    return this.#address
  }

  /** Whether the server is a reader but the application wants the writer. */
  get isMisplaced(): boolean {
    return this.role === 'writer' && this.#isReader === true
  }

  /**
   * Whether the role that the server told is certain. PostgreSQL 14 and later tell it at login. But after a blue/green
   * switchover the old server still says that it is no standby, although it is read-only.
   */
  get isRoleKnown(): boolean {
    return this.#isReader === true || (this.#isReader === false && !this.#isReadOnly)
  }

  /** Call before the socket connects. `hasTimeout`: the driver uses the socket's timeout for itself. */
  watch(socket: Socket, hasTimeout = false): void {
    socket.once('connect', () => {
      this.#address = socket.remoteAddress
    })
    if (hasTimeout) return
    this.watchSilence(socket)
    // The mariadb driver turns the timeout off when the socket is connected: turn it on again.
    socket.once('connect', () => socket.setTimeout(SILENCE_MS))
  }

  /** Looks at the server when a socket that waits for it is silent. */
  watchSilence(socket: SilentSocket): void {
    if (this.role === 'reader') return
    socket.setTimeout(SILENCE_MS)
    socket.on('timeout', () => {
      const { bytesRead } = socket
      // Read first what arrived while the process was frozen, as between two requests in AWS Lambda.
      setImmediate(() => {
        if (this.#isOver || socket.destroyed || socket.bytesRead !== bytesRead || !this.isWaiting()) return
        socket.setTimeout(SILENCE_MS)
        this.#observer.onSilence(this)
      })
    })
  }

  /** Call with each parameter that a PostgreSQL server reports. */
  setParameter(name: string | undefined, value: string | undefined): void {
    if (name === 'in_hot_standby') this.setReader(value === 'on')
    if (name === 'default_transaction_read_only') this.#isReadOnly = value === 'on'
  }

  /** Call when the server tells its role. */
  setReader(isReader: boolean): void {
    this.#isReader = isReader
    if (this.role === 'reader') return
    if (isReader) this.#observer.onDoubt(this)
    else this.#observer.onWriter(this)
  }

  /** Call when the connection could not be opened. Only the first report of a connection's end counts. */
  failed(error: unknown): void {
    if (this.#isOver) return
    this.#isOver = true
    if (isRdsIamError(error)) return
    if (isUnusable(error)) this.#observer.onRefused(this)
    else if (isOutage(error)) this.#observer.onFailedLogin(this)
  }

  /** Call when the connection was lost after the login. */
  lost(error: unknown): void {
    if (this.#isOver) return
    this.#isOver = true
    if (!isRdsIamError(error) && isOutage(error)) this.#observer.onDoubt(this)
  }

  /** Call when the server refused the login. */
  refused(): void {
    this.#isOver = true
    this.#observer.onRefused(this)
  }

  /** Closes the connection because the writer is another server. */
  retire(reason: 'NOT_WRITER' | 'WRITER_MOVED'): void {
    if (this.#isOver) return
    this.close(this.retirement(reason))
  }

  /** The error to close the connection with. */
  retirement(reason: 'NOT_WRITER' | 'WRITER_MOVED'): RdsIamError {
    this.#isOver = true
    const { host, port } = this.server
    publish('connection.retired', () => ({ endpoint: { host, port }, reason }))
    return new RdsIamError(reason, `${host}:${port} ${EXPLANATIONS[reason]}`)
  }
}

const EXPLANATIONS = {
  NOT_WRITER:
    'leads to a reader, although a writer is wanted. rds-iam looks for the writer before it opens the next ' +
    'connection. To accept readers, set ' +
    "iam.target to 'any' or 'reader'",
  WRITER_MOVED:
    'is not the writer any more: the connection was closed. The next connection goes to the writer',
}
