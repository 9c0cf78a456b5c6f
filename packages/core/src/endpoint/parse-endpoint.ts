import { normalizeHost } from '../address'

/** The kind of an endpoint, read from its name. `dsql`: Aurora DSQL. `other`: not the name of an RDS endpoint. */
export type EndpointKind =
  | 'cluster'
  | 'reader'
  | 'custom'
  | 'instance'
  | 'proxy'
  | 'limitless'
  | 'global'
  | 'dsql'
  | 'other'

/** The parts of an RDS endpoint's name. */
export interface ParsedEndpoint {
  /** The name in lower case, without a trailing dot. */
  host: string
  /** The AWS region in the name; absent for `global` and `other`. */
  region?: string
  kind: EndpointKind
}

// DNS suffixes of the AWS partitions (aws, aws-cn, aws-eusc, aws-iso, -b, -e, -f). Partitions are listed because there
// are few; regions match a pattern because AWS adds new ones every year.
const SUFFIX = String.raw`(?:amazonaws\.com|amazonaws\.com\.cn|amazonaws\.eu|c2s\.ic\.gov|sc2s\.sgov\.gov|cloud\.adc-e\.uk|csp\.hci\.ic\.gov)`
const REGION = String.raw`[a-z]{2,}(?:-[a-z]+)+-\d+`
const LABEL = '[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?'

const RDS_NAME = new RegExp(
  String.raw`^(?<id>${LABEL}(?:\.${LABEL})*)\.(?:(?<region>${REGION})\.rds(?:-fips)?|rds\.(?<regionLast>${REGION})|(?<global>global)\.rds)\.${SUFFIX}$`,
)

// In each partition, Aurora DSQL uses another domain suffix than RDS. In a VPC, AWS PrivateLink adds an identifier to
// `dsql`.
const DSQL_SUFFIX = String.raw`(?:aws|amazonwebservices\.com\.cn|amazonwebservices\.eu|aws\.ic\.gov|aws\.scloud|cloud-aws\.adc-e\.uk|aws\.hci\.ic\.gov)`
const DSQL_NAME = new RegExp(
  String.raw`^[a-z0-9]+\.dsql(?:-[a-z0-9]+)?\.(?<region>${REGION})\.on\.${DSQL_SUFFIX}$`,
)

// The labels that identify other AWS services in host names.
const OTHER_SERVICES: Readonly<Record<string, string>> = {
  redshift: 'Amazon Redshift',
  'redshift-serverless': 'Amazon Redshift',
  docdb: 'Amazon DocumentDB',
  'docdb-elastic': 'Amazon DocumentDB',
  neptune: 'Amazon Neptune',
  cache: 'Amazon ElastiCache',
  memorydb: 'Amazon MemoryDB',
  es: 'Amazon OpenSearch Service',
  aos: 'Amazon OpenSearch Service',
  aoss: 'Amazon OpenSearch Service',
  cassandra: 'Amazon Keyspaces',
  dynamodb: 'Amazon DynamoDB',
  'timestream-influxdb': 'Amazon Timestream',
}
const AWS_NAME = new RegExp(String.raw`\.(?:${SUFFIX}|on\.${DSQL_SUFFIX})$`)

// The maximum length of a DNS name.
const LONGEST_NAME = 253

const KIND_BY_PREFIX: readonly (readonly [string, EndpointKind])[] = [
  ['cluster-ro-', 'reader'],
  ['cluster-custom-', 'custom'],
  ['cluster-', 'cluster'],
  ['proxy-', 'proxy'],
  ['shardgrp-', 'limitless'],
]

/**
 * Reads an endpoint's kind and region from its name. Accepts any string: the kind of a name that is not an RDS
 * endpoint's is `other`.
 *
 * @example
 * ```ts
 * parseEndpoint('db.cluster-ro-abcdefghijkl.eu-west-1.rds.amazonaws.com')
 * // { host: 'db.cluster-ro-…', region: 'eu-west-1', kind: 'reader' }
 * ```
 */
export function parseEndpoint(host: string): ParsedEndpoint {
  const name = normalizeHost(host)
  if (name.length > LONGEST_NAME) return { host: name, kind: 'other' }
  const dsql = DSQL_NAME.exec(name)?.groups?.['region']
  if (dsql !== undefined) return { host: name, region: dsql, kind: 'dsql' }
  const groups = RDS_NAME.exec(name)?.groups
  if (!groups) return { host: name, kind: 'other' }

  const identifier = groups['id']?.split('.').at(-1) ?? ''
  if (groups['global']) return { host: name, kind: identifier.startsWith('global-') ? 'global' : 'other' }

  const region = groups['region'] ?? groups['regionLast'] ?? ''
  const kind = KIND_BY_PREFIX.find(([prefix]) => identifier.startsWith(prefix))?.[1] ?? 'instance'
  // Only the last label of the identifier, which RDS adds, shows the kind: users may name an instance `cluster-notes`.
  return { host: name, region, kind: groups['id']?.includes('.') ? kind : 'instance' }
}

/** The AWS service that a host belongs to. Undefined for RDS, Aurora and unknown hosts. */
export function otherService(host: string): string | undefined {
  const name = normalizeHost(host)
  if (!AWS_NAME.test(name) || parseEndpoint(name).kind !== 'other') return undefined
  // Take the last label that matches, because users choose the first ones.
  const label = name.split('.').findLast((part) => Object.hasOwn(OTHER_SERVICES, part))
  return label === undefined ? undefined : OTHER_SERVICES[label]
}
