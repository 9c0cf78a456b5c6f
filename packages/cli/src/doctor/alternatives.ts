import { parseEndpoint } from '@rds-iam/core'
import type { Address } from '@rds-iam/core/internal'
import { DEFAULT_PORTS } from '../login/engine'
import { addressText } from '../login/options'
import type { Subject } from './subject'

/** What a token is signed for. */
export interface TokenTarget {
  endpoint: Address
  region: string
}

/** Another target that a refused token may have been meant for. */
export interface Alternative extends TokenTarget {
  code: 'REGION_MISMATCH' | 'ENDPOINT_MISMATCH'
}

/** What was seen that names other endpoints or regions. */
export interface Clues {
  /** Names in the server's certificate and on the way of a DNS alias. */
  names: readonly string[]
  /** Regions of the environment, the profile and the certificate. */
  regions: readonly string[]
}

// Each one is a login.
const MOST_OF_A_KIND = 3
// What the tools of AWS take where nobody names a region.
const USUAL_REGION = 'us-east-1'

/**
 * The targets that differ in one thing from a refused one. Where the name that is dialled is an RDS endpoint's
 * own, it settles everything, and there are none.
 */
export function alternatives(
  subject: Subject,
  refused: TokenTarget,
  { names, regions }: Clues,
): Alternative[] {
  const { dial, engine } = subject
  const { endpoint, region } = refused
  const named = parseEndpoint(endpoint.host)
  const isDialled = addressText(endpoint) === addressText(dial)
  const hosts = isDialled && named.kind !== 'other' ? [] : [dial.host, ...names]
  const ports = isDialled ? [] : [dial.port, DEFAULT_PORTS[engine]]
  const elsewhere = named.region === undefined ? [...regions, USUAL_REGION] : []
  return [
    ...others(ports, endpoint.port).map((port) => mismatch({ endpoint: { ...endpoint, port }, region })),
    ...others(hosts, endpoint.host)
      .filter((host) => !host.includes('*') && (parseEndpoint(host).region ?? region) === region)
      .map((host) =>
        mismatch({ endpoint: { host, port: host === dial.host ? dial.port : endpoint.port }, region }),
      ),
    ...others(elsewhere, region).map((other): Alternative => {
      return { code: 'REGION_MISMATCH', endpoint, region: other }
    }),
  ]
}

function mismatch(target: TokenTarget): Alternative {
  return { code: 'ENDPOINT_MISMATCH', ...target }
}

function others<T>(found: readonly T[], refused: T): T[] {
  return [...new Set(found)].filter((each) => each !== refused).slice(0, MOST_OF_A_KIND)
}
