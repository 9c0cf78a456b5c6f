import type { Duplex } from 'node:stream'
import type { Address } from '../address'
import { parseEndpoint, type ParsedEndpoint } from '../endpoint/parse-endpoint'
import { publish } from '../events'
import type { Login } from '../login/login'
import type { LoginTarget } from '../login/login-target'
import { ClusterConnection, type ConnectionObserver, type Server } from './connection'
import type { Member, OpenProbe, Session } from './probe'
import { addressesOf, searchWriter, type Candidate, type Found } from './search'

/** The longest search for the writer, if the driver has no time limit for a connection. */
const LONGEST_SEARCH_MS = 30_000
/** The part of the driver's time limit that a connection waits for a search. The rest is left for the login. */
const SEARCH_SHARE = 0.75
/**
 * After a look at a silent server, how long to wait before the next: a query may take long. Doubles with each look that
 * found the server well.
 */
const FIRST_REST_MS = 2_000
const LONGEST_REST_MS = 16_000
/** How long not to search again after every server refused the login. */
const REFUSED_MS = 60_000

/** A connection that a driver is about to open. */
export interface Opening extends Session {
  /** The driver's socket. */
  socket: Duplex
  /** The driver's time limit for opening a connection. Default: none. */
  limitMs?: number | undefined
  openProbe: OpenProbe
}

/** A connection that is being opened, with the login that a search uses for its own connections. */
interface Searcher extends Opening {
  login: Login
  target: LoginTarget
}

/** A search in progress. */
interface Search {
  /** Settles when it is over. */
  result: Promise<void>
  abort: AbortController
  /** The number of connections that wait for it. */
  waiting: number
}

/** By the cluster's name and port. Shared by all configurations of the process. */
const clusters = new Map<string, Cluster>()

/**
 * Finds the login target for the address that a driver connects to, and in a cluster the server: the writer, wherever
 * DNS leads, or one of the readers.
 */
export async function findServer(login: Login, address: Address, opening: Opening): Promise<LoginTarget> {
  const target = await login.target(address)
  const role = login.roleAt(target)
  const names = role === 'any' ? undefined : readNames(target.parsed)
  if (!names || role === 'any') return target
  const key = `${names.writer ?? names.host}:${target.endpoint.port}`
  let cluster = clusters.get(key)
  if (!cluster) clusters.set(key, (cluster = new Cluster(names, target.endpoint.port)))
  return cluster.place({ login, target, ...opening }, role)
}

/** The names of a cluster, read from one of its endpoints. */
interface ClusterNames {
  /** The endpoint that the names were read from. */
  host: string
  /** The cluster's endpoints; undefined for the name of an instance or a custom endpoint, which do not show them. */
  writer?: string
  reader?: string
  /** What follows `INSTANCE.` in the name of an instance. */
  domain: string
}

/** Reads the names of a cluster; undefined for an endpoint that belongs to none. */
export function readNames({ host, kind }: ParsedEndpoint): ClusterNames | undefined {
  const [, name, domain = ''] = /^([^.]+)\.(?:cluster-(?:ro-|custom-)?)?([^.]+\..+)$/.exec(host) ?? []
  if (name === undefined) return undefined
  if (kind === 'instance' || kind === 'custom') return { host, domain }
  if (kind !== 'cluster' && kind !== 'reader') return undefined
  return { host, domain, writer: `${name}.cluster-${domain}`, reader: `${name}.cluster-ro-${domain}` }
}

/** What the process knows about one cluster. */
class Cluster implements ConnectionObserver {
  readonly #names: ClusterNames
  readonly #port: number
  /** The connections that drivers opened, each with the login to search with. */
  readonly #connections = new Map<ClusterConnection, Searcher>()
  #members: readonly Member[] = []
  /** The writer that the last search found. Undefined: the endpoint leads to it. */
  #writer: Server | undefined
  #isInDoubt = false
  /** The number of searches that found the writer. */
  #generation = 0
  #search: Search | undefined
  /** Hosts of instances that refused a login: they are not dialled by their names. */
  readonly #refused = new Set<string>()
  #refusedAtMs = -Infinity
  #rest = { ms: FIRST_REST_MS, sinceMs: -Infinity }
  /** The connection that raised the doubt. */
  #doubted: ClusterConnection | undefined

  constructor(names: ClusterNames, port: number) {
    this.#names = names
    this.#port = port
  }

  /** Chooses the server for a new connection. */
  async place(searcher: Searcher, role: 'writer' | 'reader'): Promise<LoginTarget> {
    const { socket, limitMs = 0, target } = searcher
    if (this.#isInDoubt && !isWithin(REFUSED_MS, this.#refusedAtMs)) {
      await this.#awaitSearch(searcher, limitMs > 0 ? limitMs * SEARCH_SHARE : LONGEST_SEARCH_MS)
    }
    const server = (this.#isInDoubt ? undefined : this.#writer) ?? this.#endpoint
    const connection = new ClusterConnection(this, {
      server,
      role,
      generation: this.#generation,
      isLastResort: this.#isInDoubt,
      close: (error) => void socket.destroy(error),
    })
    this.#dropClosed()
    this.#connections.set(connection, searcher)
    return { ...targetAt(target, server), connection }
  }

  onDoubt(connection: ClusterConnection): void {
    // Ignore a connection to a server that a search has left since.
    if (connection.generation !== this.#generation) return
    this.#isInDoubt = true
    this.#doubted = connection
  }

  onWriter({ isLastResort }: ClusterConnection): void {
    if (isLastResort) this.#isInDoubt = false
  }

  onRefused(connection: ClusterConnection): void {
    if (connection.server !== this.#writer) return
    this.#refused.add(connection.server.host)
    this.onDoubt(connection)
  }

  onSilence(connection: ClusterConnection): void {
    const searcher = this.#connections.get(connection)
    const { ms, sinceMs } = this.#rest
    if (!searcher || this.#search || connection.generation !== this.#generation || isWithin(ms, sinceMs))
      return
    this.#rest = { ms: Math.min(ms * 2, LONGEST_REST_MS), sinceMs: Date.now() }
    this.#doubted = connection
    const { server, address } = connection
    void this.#awaitSearch(searcher, LONGEST_SEARCH_MS, { host: server.host, address })
  }

  get #endpoint(): Server {
    return { host: this.#names.writer ?? this.#names.host, port: this.#port }
  }

  /** Waits for the search, which all connections share. Aborts it when nothing waits for it any more. */
  async #awaitSearch(searcher: Searcher, limitMs: number, first?: Candidate): Promise<void> {
    const search = (this.#search ??= this.#startSearch(searcher, first))
    search.waiting++
    let timer: NodeJS.Timeout | undefined
    const limit = new Promise((resolve) => {
      timer = setTimeout(resolve, limitMs)
      searcher.socket.once('close', resolve)
    })
    await Promise.race([search.result, limit])
    clearTimeout(timer)
    if (--search.waiting === 0) search.abort.abort()
  }

  #startSearch({ login, target, openProbe, user, database }: Searcher, first?: Candidate): Search {
    const abort = new AbortController()
    const start = performance.now()
    const { host, writer = host, reader } = this.#names
    const members = this.#members.map(({ instance }) => this.#hostOf(instance))
    const found = searchWriter({
      candidates: [writer, reader, ...members].flatMap((name) =>
        name === undefined ? [] : [{ host: name }],
      ),
      first,
      hostOf: (instance) => this.#hostOf(instance),
      open: (name, address, signal) =>
        openProbe(
          login,
          targetAt(target, { host: name, port: this.#port, address }),
          { user, database },
          signal,
        ),
      onMembers: (list) => {
        if (list.length > 0) this.#members = list
      },
      signal: abort.signal,
    })
    const result = found.then(async (one) => {
      if (one) await this.#moveTo(one, start)
      else if (!abort.signal.aborted) this.#refusedAtMs = Date.now()
      this.#search = undefined
    })
    return { result, abort, waiting: 0 }
  }

  /** Makes a server the writer, and closes the connections to other servers. */
  async #moveTo({ host, address, answer: { instance } }: Found, start: number): Promise<void> {
    const named = this.#hostOf(instance)
    const server =
      named !== undefined && !this.#refused.has(named)
        ? { host: named, port: this.#port }
        : { host, port: this.#port, address }
    // A name may have an address of IPv4 and one of IPv6.
    const addresses = new Set([address, ...(await addressesOf(server.host).catch(() => []))])
    const isAt = (connection: ClusterConnection): boolean =>
      connection.address === undefined
        ? connection.server.host === server.host
        : addresses.has(connection.address)
    const from = this.#writer?.host
    const isMoved = !this.#doubted || !isAt(this.#doubted)
    this.#writer = server
    this.#isInDoubt = false
    this.#doubted = undefined
    this.#generation++
    if (isMoved) {
      const searchMs = performance.now() - start
      publish('writer.moved', () => ({
        cluster: { host: this.#endpoint.host, port: this.#port },
        ...(from === undefined ? {} : { from }),
        to: server.host,
        searchMs,
      }))
    }
    this.#dropClosed()
    for (const connection of this.#connections.keys()) {
      if (!isMoved || isAt(connection)) connection.generation = this.#generation
      else if (connection.role === 'writer') connection.retire('WRITER_MOVED')
    }
  }

  #dropClosed(): void {
    for (const [connection, { socket }] of this.#connections) {
      if (socket.destroyed) this.#connections.delete(connection)
    }
  }

  /** The host of an instance. Undefined if the identifier is none, so that a server cannot name a foreign host. */
  #hostOf(instance = ''): string | undefined {
    return /^[a-z][a-z0-9-]*$/i.test(instance) ? `${instance.toLowerCase()}.${this.#names.domain}` : undefined
  }
}

/** The target for a server of the cluster that a target belongs to. */
function targetAt({ region }: LoginTarget, { host, port, address = host }: Server): LoginTarget {
  return { dial: { host: address, port }, endpoint: { host, port }, parsed: parseEndpoint(host), region }
}

/** Whether a moment was less than `ms` ago, also if the clock was set back since. */
function isWithin(ms: number, sinceMs: number): boolean {
  return Math.abs(Date.now() - sinceMs) < ms
}
