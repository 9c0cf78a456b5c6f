import type { ParsedEndpoint } from '../endpoint/parse-endpoint'

/** The names of a cluster, read from the name of one of its endpoints. */
export interface ClusterNames {
  /** The writer endpoint. For an instance or a custom endpoint, whose names do not show it: that endpoint. */
  writer: string
  /** The reader endpoint, if it is known. */
  reader?: string
  /** The host of an instance. Undefined if the identifier is not valid: a server must not name a foreign host. */
  instance(identifier: string): string | undefined
}

/** Reads the names of a cluster. Undefined for an endpoint that belongs to no cluster. */
export function readClusterNames({ host, kind }: ParsedEndpoint): ClusterNames | undefined {
  const [, name, domain] = /^([^.]+)\.(?:cluster-(?:ro-|custom-)?)?([^.]+\..+)$/.exec(host) ?? []
  const instance = (identifier: string): string | undefined =>
    /^[a-z][a-z0-9-]*$/i.test(identifier) ? `${identifier.toLowerCase()}.${domain}` : undefined
  if (name === undefined) return undefined
  if (kind === 'instance' || kind === 'custom') return { writer: host, instance }
  if (kind !== 'cluster' && kind !== 'reader') return undefined
  return { writer: `${name}.cluster-${domain}`, reader: `${name}.cluster-ro-${domain}`, instance }
}
