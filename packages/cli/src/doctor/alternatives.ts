import { parseEndpoint } from '@rds-iam/core'
import { DEFAULT_PORTS, type Address } from '@rds-iam/core/internal'
import { addressText, isDsql } from '../login/options'
import type { TokenFacts } from './facts'

/** Another endpoint or region that a refused token may have been meant for. */
export interface Alternative {
  code: 'REGION_MISMATCH' | 'ENDPOINT_MISMATCH'
  endpoint: Address
  region: string
}

/** Other endpoints and regions that were observed. */
export interface Hints {
  /** The names in the server's certificate and in CNAME records. */
  names: readonly string[]
  /** The regions of the environment, the profile and the certificate. */
  regions: readonly string[]
}

// Each alternative costs a login.
const MOST_OF_A_KIND = 3
// The default of many AWS tools.
const USUAL_REGION = 'us-east-1'

/**
 * The alternatives that differ in one thing from a refused token. There are none if the dialled name is that of an RDS
 * endpoint: it tells everything.
 */
export function alternatives(
  { dial, engine, endpoint, signedRegion: region }: TokenFacts,
  { names, regions }: Hints,
): Alternative[] {
  const named = parseEndpoint(endpoint.host)
  const isDialled = addressText(endpoint) === addressText(dial)
  const hosts = isDialled && named.kind !== 'other' ? [] : [dial.host, ...names]
  // An Aurora DSQL token contains no port.
  const ports = isDialled || isDsql(endpoint.host) ? [] : [dial.port, DEFAULT_PORTS[engine]]
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

function mismatch(target: Omit<Alternative, 'code'>): Alternative {
  return { code: 'ENDPOINT_MISMATCH', ...target }
}

function others<T>(found: readonly T[], refused: T): T[] {
  return [...new Set(found)].filter((each) => each !== refused).slice(0, MOST_OF_A_KIND)
}
