import type { Address } from '../address'
import type { Login } from '../login/login'
import type { LoginTarget } from '../login/login-target'
import { Cluster, LONGEST_SEARCH_MS, type Opener } from './cluster'
import { readClusterNames, type ClusterNames } from './cluster-names'

/** The part of the driver's time limit that a connection waits for a search. The rest is left for the login. */
const SEARCH_SHARE = 0.75

/** A connection that a driver is about to open. */
export interface Opening extends Pick<Opener, 'user' | 'database' | 'socket' | 'openProbe'> {
  /** The driver's time limit for opening a connection. Default: none. */
  limitMs?: number | undefined
}

/** By writer endpoint and port. All configurations of the process share them. */
const clusters = new Map<string, Cluster>()

/**
 * Finds the login target for the address that a driver connects to, and in a cluster the server: the writer, wherever
 * DNS leads, or one of the readers.
 */
export async function findServer(login: Login, address: Address, opening: Opening): Promise<LoginTarget> {
  const { limitMs = 0 } = opening
  const deadlineMs = performance.now() + (limitMs > 0 ? limitMs * SEARCH_SHARE : LONGEST_SEARCH_MS)
  for (;;) {
    const target = await login.target(address)
    const role = login.roleAt(target)
    const names = role === 'any' ? undefined : readClusterNames(target.parsed)
    if (role === 'any' || !names) return target
    const opener = { login, address, target, deadlineMs, ...opening }
    const found = await clusterOf(names, target.endpoint.port).place(opener, role)
    if (found) return found
  }
}

function clusterOf(names: ClusterNames, port: number): Cluster {
  const key = `${names.writer}:${port}`
  for (const [one, { isUnused }] of clusters) if (isUnused) clusters.delete(one)
  let cluster = clusters.get(key)
  if (!cluster) clusters.set(key, (cluster = new Cluster(names, port)))
  return cluster
}
