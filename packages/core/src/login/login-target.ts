import { isIP } from 'node:net'
import { followCname } from '../endpoint/cname'
import { isLoopback, parseEndpoint, type ParsedEndpoint } from '../endpoint/parse-endpoint'
import { resolveRegion } from '../endpoint/region'
import { invalidOption, RdsIamError } from '../errors'
import { DEFAULT_TIMEOUT_MS, parseAddress, type Address, type IamOptions } from '../iam-options'

/** Where a connection goes, and who the server there says it is. */
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
export function checkEndpoint(host: string, iam: IamOptions): void {
  if (iam.endpoint !== undefined || isLoopback(host) || parseEndpoint(host).kind !== 'other') return
  if (iam.followCname && !isIP(host)) return
  throw new RdsIamError(
    'ENDPOINT_UNKNOWN',
    `host: ${host} is not the name of an RDS endpoint: set iam.endpoint to the endpoint behind it` +
      (isIP(host) ? '' : ', or iam.followCname if it is a DNS alias (CNAME) of one'),
  )
}

/**
 * Checks a driver's option by which the caller dials itself.
 *
 * @throws {RdsIamError} `INVALID_OPTION`
 */
export function checkDialOption(option: string, value: unknown, iam: IamOptions): void {
  if (value === undefined || !iam.followCname) return
  throw invalidOption('iam.followCname', `not together with ${option}, which decides itself what to dial`)
}

/**
 * Finds what to dial and what to sign for a host and port that a driver is about to connect to. `enginePort` is the
 * port that the engine's endpoints listen on by default.
 *
 * @throws {RdsIamError} `ENDPOINT_UNKNOWN`, `REGION_UNKNOWN`
 */
export async function findTarget(
  dialled: Address,
  iam: IamOptions,
  enginePort: number,
): Promise<LoginTarget> {
  checkEndpoint(dialled.host, iam)
  const { dial, endpoint } = await findEndpoint(dialled, iam, enginePort)
  const parsed = parseEndpoint(endpoint.host)
  return { dial, endpoint, parsed, region: await resolveRegion(parsed, iam) }
}

async function findEndpoint(
  dialled: Address,
  iam: IamOptions,
  enginePort: number,
): Promise<Pick<LoginTarget, 'dial' | 'endpoint'>> {
  if (iam.endpoint !== undefined) {
    const { host, port } = parseAddress(iam.endpoint, 'iam.endpoint')
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
