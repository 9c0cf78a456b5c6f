import { randomBytes } from 'node:crypto'
import type { BackendLogin } from '../backend'
import { DEFAULT_USERS } from '../defaults'

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

/** A database server of either engine. */
interface UserServer {
  readonly url: string
  readonly socketPath: string | undefined
  createUsers(users: readonly string[]): Promise<void>
  remove(): Promise<void>
}

/** Creates a server and starts it with its users. Removes everything if the start fails. */
export async function startWithUsers<Server extends UserServer>(
  { users = DEFAULT_USERS, signal }: DatabaseServerOptions,
  create: (settings: {
    users: readonly string[]
    password: string
    signal: AbortSignal | undefined
  }) => Server,
  start: (server: Server, users: readonly string[]) => Promise<void>,
): Promise<DatabaseServerWithUsers> {
  const password = randomBytes(18).toString('base64url')
  const server = create({ users, password, signal })
  try {
    await start(server, users)
    signal?.throwIfAborted()
  } catch (error) {
    await server.remove()
    throw error
  }
  const logins = samePassword(users, password)
  return {
    url: server.url,
    socketPath: server.socketPath,
    logins,
    async addUsers(names) {
      const missing = names.filter((name) => !Object.hasOwn(logins, name))
      await server.createUsers(missing)
      Object.assign(logins, samePassword(missing, password))
    },
    stop: () => server.remove(),
  }
}

/** Gives all users the same password. */
export function samePassword(users: readonly string[], password: string): Record<string, BackendLogin> {
  return Object.fromEntries(users.map((user) => [user, { user, password }]))
}
