import { isIPv4 } from 'node:net'

/** What an RDS endpoint's name says about it. `other`: not the name of an RDS endpoint. */
export type EndpointKind =
  | 'cluster'
  | 'reader'
  | 'custom'
  | 'instance'
  | 'proxy'
  | 'limitless'
  | 'global'
  | 'other'

/** A host name as RDS reads it. */
export interface ParsedEndpoint {
  /** The name in lower case, without a trailing dot. */
  host: string
  /** The AWS region in the name; absent for `global` and `other`. */
  region?: string
  kind: EndpointKind
}

// DNS suffixes of AWS partitions (aws, aws-cn, aws-eusc, aws-iso, -b, -e, -f). Regions are read by their
// shape, since new ones appear every year; partitions are few, and a name outside them is nobody's endpoint.
const SUFFIX = String.raw`(?:amazonaws\.com|amazonaws\.com\.cn|amazonaws\.eu|c2s\.ic\.gov|sc2s\.sgov\.gov|cloud\.adc-e\.uk|csp\.hci\.ic\.gov)`
const REGION = String.raw`[a-z]{2,}(?:-[a-z]+)+-\d+`
const LABEL = '[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?'

const RDS_NAME = new RegExp(
  String.raw`^(?<id>${LABEL}(?:\.${LABEL})*)\.(?:(?<region>${REGION})\.rds(?:-fips)?|rds\.(?<regionLast>${REGION})|(?<global>global)\.rds)\.${SUFFIX}$`,
)

// The longest name that DNS carries.
const LONGEST_NAME = 253

const KIND_BY_PREFIX: readonly (readonly [string, EndpointKind])[] = [
  ['cluster-ro-', 'reader'],
  ['cluster-custom-', 'custom'],
  ['cluster-', 'cluster'],
  ['proxy-', 'proxy'],
  ['shardgrp-', 'limitless'],
]

/**
 * Reads an RDS endpoint's kind and region from its name. Any string is accepted: what is not an RDS
 * endpoint is of kind `other`.
 *
 * @example
 * ```ts
 * parseEndpoint('db.cluster-ro-abcdefghijkl.eu-west-1.rds.amazonaws.com')
 * // { host: 'db.cluster-ro-…', region: 'eu-west-1', kind: 'reader' }
 * ```
 */
export function parseEndpoint(host: string): ParsedEndpoint {
  const name = normalizeHost(host)
  const groups = name.length > LONGEST_NAME ? undefined : RDS_NAME.exec(name)?.groups
  if (!groups) return { host: name, kind: 'other' }

  const identifier = groups['id']?.split('.').at(-1) ?? ''
  if (groups['global']) return { host: name, kind: identifier.startsWith('global-') ? 'global' : 'other' }

  const region = groups['region'] ?? groups['regionLast'] ?? ''
  const kind = KIND_BY_PREFIX.find(([prefix]) => identifier.startsWith(prefix))?.[1] ?? 'instance'
  // A cluster may be called `cluster-notes`; only the label that RDS itself adds, the last one, tells the kind.
  return { host: name, region, kind: groups['id']?.includes('.') ? kind : 'instance' }
}

/** A host name as it is signed and compared: lower case, no trailing dot. */
export function normalizeHost(host: string): string {
  return host.toLowerCase().replace(/\.$/, '')
}

/** Whether a host can only be this machine. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIPv4(host) && host.startsWith('127.'))
}
