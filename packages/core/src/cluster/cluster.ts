import type { Duplex } from 'node:stream'
import type { Address } from '../address'
import { parseEndpoint } from '../endpoint/parse-endpoint'
import { isRdsIamError } from '../errors'
import { publish } from '../events'
import type { Login } from '../login/login'
import type { LoginTarget } from '../login/login-target'
import type { ClusterNames } from './cluster-names'
import { ClusterConnection, type ConnectionObserver, type Server } from './connection'
import { isRefusal } from './failures'
import { Instances } from './instances'
import { isWithin } from './is-within'
import type { OpenProbe, Probe, Session } from './probe'
import { ALL_SERVERS, Refusals } from './refusals'
import { addressesOf, askOnce, pause, searchWriter, type Found } from './search'

/** The longest wait for a search, if the driver has no time limit for opening a connection. */
export const LONGEST_SEARCH_MS = 30_000
/** How long the first connection logs in alone after a search. Logins at the same time slow each other down. */
const HEAD_START_MS = 80
/** For how long to remember a cluster without connections. After that, DNS leads to the writer again. */
const FORGOTTEN_MS = 60_000
/** The pause before checking a silent server again, as a query may just take long. Doubles with each check. */
const FIRST_PAUSE_MS = 2_000
const LONGEST_PAUSE_MS = 16_000
/** How often a connection that waits for a search follows its alias again. */
const ALIAS_MS = 500

/** A connection that is being opened, with the login that we use for connections of our own. */
export interface Opener extends Session {
  /** The driver's socket. */
  socket: Duplex
  openProbe: OpenProbe
  login: Login
  /** The address that the driver connects to. */
  address: Address
  target: LoginTarget
  /** Until when the connection waits for a search. */
  deadlineMs: number
}

/** A search in progress. */
interface Search {
  /** Settles when it is over. */
  result: Promise<void>
  abort: AbortController
  /** The number of connections that wait for it. */
  waiting: number
  /** Whether a connection goes on with its result. */
  isUsed: boolean
}

/** What the process knows about one cluster. */
export class Cluster implements ConnectionObserver {
  readonly #names: ClusterNames
  readonly #endpoint: Server
  readonly #connections = new Map<ClusterConnection, Opener>()
  readonly #instances: Instances
  /** The writer that the last search found. Default: the endpoint leads to it. */
  #writer: Server | undefined
  #isInDoubt = false
  /** The connection that raised the doubt. */
  #doubted: ClusterConnection | undefined
  /** The number of searches that found the writer. */
  #generation = 0
  #search: Search | undefined
  readonly #refusals = new Refusals()
  /** The pause since the last check of a silent server. */
  #pause = { ms: FIRST_PAUSE_MS, sinceMs: -Infinity }
  /** When a connection was last opened or closed. */
  #usedMs = Date.now()

  constructor(names: ClusterNames, port: number) {
    this.#names = names
    this.#instances = new Instances(names)
    this.#endpoint = { host: names.writer, port }
  }

  /** Whether the process has had no connection to the cluster for a while. */
  get isUnused(): boolean {
    return this.#connections.size === 0 && !this.#search && !isWithin(FORGOTTEN_MS, this.#usedMs)
  }

  /** Chooses the server for a new connection. Undefined if its alias leads to another endpoint by now. */
  async place(opener: Opener, role: 'writer' | 'reader'): Promise<LoginTarget | undefined> {
    const { socket, login, target } = opener
    this.#usedMs = Date.now()
    if (role === 'reader') await this.#instances.refresh(() => this.#requestList(opener))
    else if (this.#isInDoubt && !socket.destroyed && !this.#refusals.has(login, ALL_SERVERS)) {
      const over = new AbortController()
      let isElsewhere = false
      const leaves = untilElsewhere(opener, over.signal).then((result) => {
        isElsewhere = result
      })
      const limitMs = Math.max(opener.deadlineMs - performance.now(), 0)
      await this.#awaitSearch(opener, limitMs, this.#doubted, leaves)
      over.abort()
      if (isElsewhere) return undefined
    }
    // Choose and count without a pause between, so that connections that are opened at once are spread.
    const server = role === 'reader' ? this.#chooseReader(login) : this.#knownWriter
    // The driver gave up meanwhile.
    if (socket.destroyed) return targetAt(target, server)
    const connection = new ClusterConnection(this, {
      server,
      role,
      owner: login,
      generation: this.#generation,
      isLastResort: this.#isInDoubt,
      close: (error) => void socket.destroy(error),
    })
    this.#connections.set(connection, opener)
    socket.once('close', () => {
      this.#connections.delete(connection)
      this.#usedMs = Date.now()
    })
    return { ...targetAt(target, server), connection }
  }

  onDoubt(connection: ClusterConnection): void {
    // Ignore it if a search has found another server since.
    if (connection.role === 'reader' || connection.generation !== this.#generation) return
    this.#isInDoubt = true
    this.#doubted = connection
  }

  onFailedLogin(connection: ClusterConnection): void {
    if (connection.role === 'reader') this.#instances.failed(connection.server.host)
    this.onDoubt(connection)
  }

  onWriter({ isLastResort }: ClusterConnection): void {
    if (isLastResort) this.#isInDoubt = false
  }

  onRefused(connection: ClusterConnection): void {
    const { owner, server } = connection
    const isNew = !this.#refusals.has(owner, server.host)
    this.#refusals.add(owner, server.host)
    if (isNew && server === this.#writer) this.onDoubt(connection)
  }

  onSilence(connection: ClusterConnection): void {
    const opener = this.#connections.get(connection)
    const { ms, sinceMs } = this.#pause
    if (!opener || this.#search || connection.generation !== this.#generation || isWithin(ms, sinceMs)) return
    if (this.#refusals.has(opener.login, ALL_SERVERS)) return
    const isAgain = isWithin(ms * 2, sinceMs)
    this.#pause = { ms: isAgain ? Math.min(ms * 2, LONGEST_PAUSE_MS) : FIRST_PAUSE_MS, sinceMs: Date.now() }
    this.#doubted = connection
    void this.#awaitSearch(opener, LONGEST_SEARCH_MS, connection)
  }

  get #knownWriter(): Server {
    return (this.#isInDoubt ? undefined : this.#writer) ?? this.#endpoint
  }

  /** The reader with the fewest connections of this process; the writer if there is no reader that can be used. */
  #chooseReader(login: Login): Server {
    const { host, isUnknown } = this.#instances.chooseReader(
      [...this.#connections.keys()].map(({ server }) => server.host),
      (one) => this.#refusals.has(login, one),
    )
    const { port } = this.#endpoint
    if (host !== undefined) return { host, port }
    const { reader } = this.#names
    return isUnknown && reader !== undefined ? { host: reader, port } : this.#knownWriter
  }

  async #requestList(opener: Opener): Promise<void> {
    const { writer, reader } = this.#names
    for (const host of [reader, writer]) {
      if (host === undefined) continue
      try {
        const { members } = await askOnce((signal) => this.#openProbe(opener, host, host, signal))
        return this.#instances.set(members)
      } catch {
        // Ask the next endpoint. If no endpoint answers, the old list remains.
      }
    }
  }

  #openProbe(
    { login, target, openProbe, user, database }: Opener,
    host: string,
    address: string,
    signal: AbortSignal,
  ): Promise<Probe> {
    const server = { host, port: this.#endpoint.port, address }
    return openProbe(login, targetAt(target, server), { user, database }, signal)
  }

  /**
   * Waits for the search, which all connections share, or for `leaves`. The search asks the server of the doubted
   * connection first. It is aborted when no connection waits for it any more.
   */
  async #awaitSearch(
    opener: Opener,
    limitMs: number,
    doubted?: ClusterConnection,
    leaves?: Promise<void>,
  ): Promise<void> {
    const search = (this.#search ??= this.#startSearch(opener, doubted))
    search.waiting++
    const { socket } = opener
    await new Promise<void>((resolve) => {
      const end = (): void => {
        clearTimeout(timer)
        socket.off('close', end)
        resolve()
      }
      const timer = setTimeout(end, limitMs)
      socket.once('close', end)
      search.result.then(end, end)
      void leaves?.then(end)
    })
    const isFirst = !search.isUsed
    search.isUsed = true
    if (--search.waiting === 0) {
      search.abort.abort()
      if (this.#search === search) this.#search = undefined
    }
    if (!isFirst && !this.#isInDoubt) await delay(HEAD_START_MS)
  }

  #startSearch(opener: Opener, doubted?: ClusterConnection): Search {
    const first =
      doubted && !doubted.isMisplaced ? { host: doubted.server.host, address: doubted.address } : undefined
    const abort = new AbortController()
    const start = performance.now()
    const { writer, reader } = this.#names
    const hosts = [writer, ...(reader === undefined ? [] : [reader]), ...this.#instances.hosts]
    const found = searchWriter({
      candidates: hosts.map((host) => ({ host })),
      first,
      endsOnError: !this.#isInDoubt,
      open: (host, address, signal) =>
        this.#openProbe(opener, host, address, signal).catch((error) => {
          if (isRefusal(error) && !isRdsIamError(error)) this.#refusals.add(opener.login, host)
          throw error
        }),
      onMembers: (members) => {
        this.#instances.set(members)
        return this.#instances.hosts
      },
      signal: abort.signal,
    })
    const search: Search = {
      abort,
      waiting: 0,
      isUsed: false,
      result: found.then(async (one) => {
        if (one === 'refused') this.#refusals.add(opener.login, ALL_SERVERS)
        else if (one) await this.#moveTo(one, opener.login, start)
        if (this.#search === search) this.#search = undefined
      }),
    }
    return search
  }

  /** Makes a server the writer, and closes the connections to other servers. */
  async #moveTo({ host, address, answer }: Found, login: Login, start: number): Promise<void> {
    const { instance = '' } = answer
    const { port } = this.#endpoint
    const named = this.#names.instance(instance)
    // A name may have an address of IPv4 and one of IPv6. A name that leads elsewhere cannot be used.
    const own = named === undefined ? [] : await addressesOf(named).catch(() => [])
    const addresses = new Set(own.includes(address) ? own : [address])
    const server =
      named !== undefined && own.includes(address) && !this.#refusals.has(login, named)
        ? { host: named, port }
        : { host, port, address }
    const isAt = (connection: ClusterConnection): boolean =>
      connection.address === undefined
        ? connection.server.host === server.host
        : addresses.has(connection.address)
    const isElsewhere = (connection: ClusterConnection): boolean =>
      connection.role === 'writer' && connection.address !== undefined && !isAt(connection)
    const isMoved = !this.#doubted || !isAt(this.#doubted) || [...this.#connections.keys()].some(isElsewhere)
    // The silent server answers: only its query takes long.
    if (!isMoved && !this.#isInDoubt) return
    const from = this.#writer?.host
    this.#writer = server
    this.#isInDoubt = false
    this.#generation++
    if (isMoved) {
      this.#pause = { ms: FIRST_PAUSE_MS, sinceMs: -Infinity }
      const searchMs = performance.now() - start
      const moved = { ...(from === undefined ? {} : { from }), to: server.host, searchMs }
      publish('writer.moved', () => ({ cluster: { host: this.#endpoint.host, port }, ...moved }))
    }
    for (const connection of this.#connections.keys()) {
      if (!isMoved || isAt(connection)) connection.generation = this.#generation
      else if (connection.role === 'writer') connection.retire('WRITER_MOVED')
    }
  }
}

/** The target for a server of the cluster that a target belongs to. */
function targetAt({ region }: LoginTarget, { host, port, address = host }: Server): LoginTarget {
  return { dial: { host: address, port }, endpoint: { host, port }, parsed: parseEndpoint(host), region }
}

/** Follows the alias of a connection until it leads to another endpoint, or until `signal` is aborted. */
async function untilElsewhere({ login, address, target }: Opener, signal: AbortSignal): Promise<boolean> {
  while (!signal.aborted) {
    await pause(ALIAS_MS, signal)
    const { endpoint } = await login.target(address).catch(() => target)
    if (endpoint.host !== target.endpoint.host) return true
  }
  return false
}

function delay(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
