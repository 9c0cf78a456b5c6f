import type { ClusterNames } from './cluster-names'
import { isWithin } from './is-within'
import type { Member } from './probe'

/** How long the list of a cluster's instances is used to choose a reader. */
const LIST_MS = 30_000
/** How long to leave out a reader that failed while a connection was opened. */
const LEFT_OUT_MS = 30_000
/** A reader that is further behind the writer is left out. */
const LONGEST_LAG_MS = 10_000

/** The instances of a cluster, as its servers list them. */
export class Instances {
  readonly #names: ClusterNames
  readonly #byHost = new Map<string, Member>()
  /** The request for the list. */
  #list: { result: Promise<void>; sinceMs: number } | undefined
  /** When each reader failed while a connection was opened. */
  readonly #failures = new Map<string, number>()

  constructor(names: ClusterNames) {
    this.#names = names
  }

  get hosts(): string[] {
    return [...this.#byHost.keys()]
  }

  /** Replaces the list, unless the new one is empty, as from a server without Aurora's functions. */
  set(members: readonly Member[]): void {
    if (members.length === 0) return
    this.#byHost.clear()
    for (const member of members) {
      const host = this.#names.instance(member.instance)
      if (host !== undefined) this.#byHost.set(host, member)
    }
  }

  /** Gets a new list, unless the list is new. All connections share the request. */
  refresh(request: () => Promise<void>): Promise<void> {
    if (!this.#list || !isWithin(LIST_MS, this.#list.sinceMs))
      this.#list = { result: request(), sinceMs: Date.now() }
    return this.#list.result
  }

  /** Call when a reader failed while a connection was opened. */
  failed(host: string): void {
    this.#failures.set(host, Date.now())
  }

  /**
   * The reader with the fewest of these connections. Undefined if no reader can be used; `isUnknown` tells whether there
   * may be one: without a list, or if readers refuse logins by their names.
   */
  chooseReader(
    connectedHosts: readonly string[],
    hasRefused: (host: string) => boolean,
  ): { host?: string | undefined; isUnknown: boolean } {
    const readers = [...this.#byHost].filter(([, { isWriter }]) => !isWriter)
    const accepting = readers.filter(([host]) => !hasRefused(host))
    const usable = accepting.filter(
      ([host, { lagMs = 0 }]) => lagMs <= LONGEST_LAG_MS && !isWithin(LEFT_OUT_MS, this.#failures.get(host)),
    )
    const hosts = leastUsed(
      usable.map(([host]) => host),
      connectedHosts,
    )
    return {
      // Spread the connections of many processes, too.
      host: hosts[Math.floor(Math.random() * hosts.length)],
      isUnknown: this.#byHost.size === 0 || accepting.length < readers.length,
    }
  }
}

/** The hosts that occur least among the hosts of connections. */
export function leastUsed(hosts: readonly string[], connectedHosts: readonly string[]): string[] {
  const counts = hosts.map((host) => connectedHosts.filter((one) => one === host).length)
  const least = Math.min(...counts)
  return hosts.filter((_, at) => counts[at] === least)
}
