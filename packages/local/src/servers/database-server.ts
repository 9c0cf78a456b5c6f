import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import type { Backend, BackendLogin } from '../backend'
import { DEFAULT_USERS } from '../defaults'
import type { Account } from './account'
import { runProgram, startDatabase } from './database-process'
import { withFreePort } from './free-port'
import { ScratchDirectory } from './scratch-directory'

/** How a database server is started. */
export interface DatabaseServerOptions {
  /** Users to create. Each may create tables in the database `app`. Default `['jane_doe']`. */
  users?: readonly string[]
  /** Ends the start when it is aborted; nothing is left then. It has no effect later. */
  signal?: AbortSignal
}

/** A database server that was started for this process, without any IAM. */
export interface DatabaseServer {
  /** Where it listens, with the administrator's name and password and the database `app`. */
  url: string
  /** Its Unix-domain socket, which costs less than TCP; undefined where there is none. */
  socketPath?: string | undefined
  /** Stops the server, waits until it has exited, and removes its files. */
  stop(): Promise<void>
}

/** A database server with the users that were created in it. */
export interface DatabaseServerWithUsers extends DatabaseServer {
  /** Name and password of each user, as `startLocalRds` takes them for `backendUsers`. */
  logins: Record<string, BackendLogin>
  /** Creates those of the users that are not there yet, and adds them to `logins`. */
  addUsers(users: readonly string[]): Promise<void>
}

/** How a {@link ManagedServer} is created. */
export interface ServerOptions {
  users?: readonly string[] | undefined
  /** Password of the administrator and of all users. Default: a random one. */
  password?: string
  /** Ends what is under way when it is aborted. */
  signal?: AbortSignal | undefined
}

/** What the servers of an engine have in common. */
interface ServerKind {
  scheme: string
  /** Name of the administrator. */
  admin: string
  /** Database of the users. */
  database: string
  /** Signal that shuts a server down. */
  stopSignal: NodeJS.Signals
  /** Whether the server's programs stop their own child processes when they get a signal. */
  stopsItsOwn?: boolean
}

/** A server of this machine in a directory of its own. It may be stopped and started again, on another port. */
export abstract class ManagedServer {
  /** Logins of the users that exist once it has started. */
  readonly logins: Record<string, BackendLogin>
  /** Account that the server runs as; undefined for this process's. */
  readonly account: Account | undefined
  /** Directory of the data; it does not exist from the beginning. */
  readonly data: string
  protected readonly directory: ScratchDirectory
  protected readonly password: string
  readonly #kind: ServerKind
  readonly #signal: AbortSignal | undefined
  #shutDown: ((signal: NodeJS.Signals) => Promise<void>) | undefined
  #port = 0

  /** Creates the directory. */
  constructor(options: ServerOptions, kind: ServerKind, account?: Account) {
    const { users = DEFAULT_USERS, password = randomBytes(18).toString('base64url'), signal } = options
    this.password = password
    this.logins = this.#loginsOf(users)
    this.account = account
    this.directory = new ScratchDirectory(account)
    this.data = join(this.directory.path, 'data')
    this.#kind = kind
    this.#signal = signal
  }

  /** The server with the administrator's login, over TCP. */
  get admin(): Backend {
    const { admin, database } = this.#kind
    const login = { user: admin, password: this.password }
    return { host: '127.0.0.1', port: this.#port, database, login, logins: {}, countsDroppedLogins: false }
  }

  /** The server with the logins of its users, over the fastest connection. */
  get backend(): Backend {
    return { ...this.admin, socketPath: this.socketPath, logins: this.logins }
  }

  /** Path of the Unix-domain socket; undefined where there is none. */
  get socketPath(): string | undefined {
    return this.directory.socketPath(this.socketName(this.#port))
  }

  /** Whether it was started, and not stopped. */
  get isRunning(): boolean {
    return this.#shutDown !== undefined
  }

  /** The server as {@link DatabaseServerWithUsers} describes it. */
  get handle(): DatabaseServerWithUsers {
    const { socketPath, logins } = this
    const { host, port, database, login } = this.admin
    return {
      url: `${this.#kind.scheme}://${login.user}:${login.password}@${host}:${port}/${database}`,
      socketPath,
      logins,
      addUsers: (users) => this.addUsers(users),
      stop: () => this.remove(),
    }
  }

  /**
   * Creates the data, starts the server and creates its users.
   *
   * @throws {Error} when that fails; nothing is left then.
   */
  async create(): Promise<this> {
    try {
      await this.setUp()
      this.#signal?.throwIfAborted()
      return this
    } catch (error) {
      await this.remove()
      throw error
    }
  }

  /** Creates those of the users that are not there yet, and adds them to `logins`. */
  async addUsers(users: readonly string[]): Promise<void> {
    const missing = users.filter((user) => !Object.hasOwn(this.logins, user))
    await this.run(this.userStatements(missing))
    Object.assign(this.logins, this.#loginsOf(missing))
  }

  /** Stops the server, if it runs. */
  stop(): Promise<void> {
    return this.#stop()
  }

  /** Stops the server at once, if it runs, and removes its files. */
  async remove(): Promise<void> {
    await this.#stop()
    this.directory.remove()
  }

  /** Creates the data, starts the server and creates its users. */
  protected abstract setUp(): Promise<void>

  /** Statements that create users. They skip the administrator, which exists already. */
  protected abstract userStatements(users: readonly string[]): string[]

  /** Runs statements as the administrator. */
  abstract run(statements: readonly string[]): Promise<void>

  /** Name of the Unix-domain socket of a server that listens on a port. */
  protected abstract socketName(port: number): string

  /** Additional environment variables of the server's programs. */
  protected get env(): Record<string, string> {
    return {}
  }

  /** Runs one of the server's programs to its end. */
  protected runProgram(file: string, args: string[]): Promise<void> {
    return runProgram(this.#program(file, args))
  }

  /** Starts the server's program on a free port, and waits until its output says that it is ready. */
  protected launch(file: string, ready: string, argumentsFor: (port: number) => string[]): Promise<void> {
    return withFreePort(async (port) => {
      this.#shutDown = await startDatabase(this.#program(file, argumentsFor(port)), ready)
      this.#port = port
    })
  }

  async #stop(): Promise<void> {
    await this.#shutDown?.(this.#kind.stopSignal)
    this.#shutDown = undefined
  }

  #program(file: string, args: string[]) {
    const { directory, account, env } = this
    const { stopsItsOwn = false } = this.#kind
    return { file, args, directory, account, env, signal: this.#signal, stopsItsOwn }
  }

  #loginsOf(users: readonly string[]): Record<string, BackendLogin> {
    return Object.fromEntries(users.map((user) => [user, { user, password: this.password }]))
  }
}
