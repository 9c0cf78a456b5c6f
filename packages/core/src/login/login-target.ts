import { isIP } from 'node:net'
import { isLoopback, type Address } from '../address'
import { followCname } from '../endpoint/cname'
import { parseEndpoint, type ParsedEndpoint } from '../endpoint/parse-endpoint'
import { resolveRegion } from '../endpoint/region'
import { RdsIamError } from '../errors'
import { DEFAULT_TIMEOUT_MS, type IamSettings } from '../iam-options'

/** The address to dial, and the RDS endpoint to sign for. */
export interface LoginTarget {
  /** What to dial. */
  dial: Address
  /** What to sign for and to check the certificate against. */
  endpoint: Address
  parsed: ParsedEndpoint
  region: string
}

/**
 * Checks what can be known without asking anybody.
 *
 * @throws {RdsIamError} `ENDPOINT_UNKNOWN`
 */
export function checkEndpoint(host: string, iam: IamSettings): void {
  if (iam.endpoint !== undefined || isLoopback(host) || parseEndpoint(host).kind !== 'other') return
  if (iam.followCname && !isIP(host)) return
  throw new RdsIamError(
    'ENDPOINT_UNKNOWN',
    `host: ${host} is not the name of an RDS endpoint: set iam.endpoint to the endpoint behind it` +
      (isIP(host) ? '' : ', or iam.followCname if it is a DNS alias (CNAME) of one'),
  )
}

/**
 * Finds what to dial and what to sign for a host and port that a driver is about to connect to. `enginePort` is the
 * port that the engine's endpoints listen on by default.
 *
 * @throws {RdsIamError} `ENDPOINT_UNKNOWN`, `REGION_UNKNOWN`
 */
export async function findTarget(
  dialled: Address,
  iam: IamSettings,
  enginePort: number,
): Promise<LoginTarget> {
  checkEndpoint(dialled.host, iam)
  const { dial, endpoint } = await findEndpoint(dialled, iam, enginePort)
  const parsed = parseEndpoint(endpoint.host)
  return { dial, endpoint, parsed, region: await resolveRegion(parsed, iam) }
}

async function findEndpoint(
  dialled: Address,
  iam: IamSettings,
  enginePort: number,
): Promise<Pick<LoginTarget, 'dial' | 'endpoint'>> {
  if (iam.endpoint !== undefined) {
    const { host, port } = iam.endpoint
    // A tunnel's own port says nothing about the endpoint's.
    const defaultPort = host === dialled.host ? dialled.port : enginePort
    return { dial: dialled, endpoint: { host, port: port ?? defaultPort } }
  }
  if (!iam.followCname || isLoopback(dialled.host) || parseEndpoint(dialled.host).kind !== 'other') {
    return { dial: dialled, endpoint: dialled }
  }
  const host = await followCname(dialled.host, {
    region: iam.region,
    timeoutMs: iam.timeoutMs ?? DEFAULT_TIMEOUT_MS,
  })
  const found = { host, port: dialled.port }
  return { dial: found, endpoint: found }
}
