import dns, { type LookupAddress, type LookupOptions } from 'node:dns'
import { syncBuiltinESMExports } from 'node:module'
import { promisify } from 'node:util'
import type { LocalCluster } from '@rds-iam/local'

/** The DNS of a test's process, for the names of local clusters. */
export interface ClusterDns {
  /** The names that were looked up, in order. */
  readonly lookups: string[]
  /** Answers with what is true now. Until then each cluster and reader endpoint keeps the address that it had. */
  update(): void
  /** Answers a name with these addresses in turn, until the next {@link update}. Undefined: it does not exist. */
  set(host: string, ...addresses: (string | undefined)[]): void
  /** Gives the process its own DNS back. */
  restore(): void
}

type Callback = (error: Error | null, address?: string | LookupAddress[], family?: number) => void

/**
 * Replaces `dns.lookup`, which `node:net` and core call through its module, for names that end in `.rds.amazonaws.com`.
 *
 * A name has one address at a time, as with Aurora, which answers for a reader endpoint with one reader. Names of
 * instances are never stale. Aliases, which are found with `dns.resolveCname`, are the business of servers/dns.ts.
 */
export function useClusterDns(
  ...clusters: Pick<LocalCluster, 'host' | 'readerHost' | 'addresses'>[]
): ClusterDns {
  const lookups: string[] = []
  const addresses = new Map<string, (string | undefined)[]>()
  const current = (host: string) => clusters.map((cluster) => cluster.addresses(host)?.[0]).find(Boolean)
  const update = () => {
    addresses.clear()
    for (const { host, readerHost } of clusters)
      for (const name of [host, readerHost]) addresses.set(name, [current(name)])
  }
  update()

  const original = dns.lookup
  const lookup = (host: string, options: LookupOptions | number | Callback, done?: Callback) => {
    if (!host.endsWith('.rds.amazonaws.com'))
      return Reflect.apply(original, dns, [host, options, ...(done ? [done] : [])])
    const callback = typeof options === 'function' ? options : (done as Callback)
    const all = typeof options === 'object' && options.all === true
    lookups.push(host)
    const [address, ...others] = addresses.get(host) ?? [current(host)]
    if (others.length > 0) addresses.set(host, [...others, address])
    setImmediate(() => {
      if (address === undefined)
        callback(
          Object.assign(new Error(`getaddrinfo ENOTFOUND ${host}`), {
            code: 'ENOTFOUND',
            syscall: 'getaddrinfo',
            hostname: host,
          }),
        )
      else if (all) callback(null, [{ address, family: 4 }])
      else callback(null, address, 4)
    })
  }
  const withPromise = (host: string, options: LookupOptions) =>
    new Promise((resolve, reject) => {
      lookup(host, options, (error, address, family) =>
        error ? reject(error) : resolve({ address, family }),
      )
    })
  const replace = (replacement: unknown) => {
    dns.lookup = replacement as typeof dns.lookup
    syncBuiltinESMExports()
  }
  replace(Object.assign(lookup, { [promisify.custom]: withPromise }))
  return {
    lookups,
    update,
    set: (host, ...answers) => void addresses.set(host, answers),
    restore: () => replace(original),
  }
}
