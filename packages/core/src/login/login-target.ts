import { isIP } from 'node:net'
import { isLoopback, type Address } from '../address'
import { followCname } from '../endpoint/cname'
import { otherService, parseEndpoint, type ParsedEndpoint } from '../endpoint/parse-endpoint'
import { resolveRegion } from '../endpoint/region'
import type { ClusterConnection } from '../cluster/connection'
import { invalidOption, RdsIamError } from '../errors'
import { DEFAULT_TIMEOUT_MS, type IamSettings } from '../iam-options'

/** A database engine, by the name of its protocol: MariaDB speaks that of `mysql`. */
export type Engine = 'postgres' | 'mysql'

/** The default port of each engine. */
export const DEFAULT_PORTS: Readonly<Record<Engine, number>> = { postgres: 5432, mysql: 3306 }

/** The address to dial, and the RDS endpoint to sign for. */
export interface LoginTarget {
  /** The address to dial. */
  dial: Address
  /** The endpoint to sign for and to check the certificate against. */
  endpoint: Address
  parsed: ParsedEndpoint
  region: string
  /** The connection that a driver opens there, if the endpoint belongs to a cluster. */
  connection?: ClusterConnection | undefined
}

/**
 * Checks an endpoint as far as possible without network access.
 *
 * @throws {RdsIamError} `ENDPOINT_UNKNOWN`, `INVALID_OPTION`
 */
export function checkEndpoint(host: string, iam: IamSettings, engine: Engine): void {
  if (iam.endpoint !== undefined || isLoopback(host)) return
  checkEngine(host, engine, 'host')
  if (parseEndpoint(host).kind !== 'other' || (iam.followCname && !isIP(host))) return
  const service = otherService(host)
  if (service !== undefined) {
    throw new RdsIamError(
      'ENDPOINT_UNKNOWN',
      `host: ${host} belongs to ${service}, not to RDS: an RDS token is not valid there`,
    )
  }
  throw new RdsIamError(
    'ENDPOINT_UNKNOWN',
    `host: ${host} is not the name of an RDS endpoint: set iam.endpoint to the endpoint behind it` +
      (isIP(host) ? '' : ', or iam.followCname if it is a DNS alias (CNAME) of one'),
  )
}

/**
 * Checks that an endpoint can speak the protocol of a driver.
 *
 * @throws {RdsIamError} `INVALID_OPTION`
 */
export function checkEngine(endpointHost: string, engine: Engine, option: string): void {
  if (engine === 'mysql' && parseEndpoint(endpointHost).kind === 'dsql')
    throw invalidOption(option, `${endpointHost} belongs to Aurora DSQL: use a driver for PostgreSQL`)
}

/**
 * Finds the address to dial and the endpoint to sign for, given the address that a driver connects to.
 *
 * @throws {RdsIamError} `ENDPOINT_UNKNOWN`, `REGION_UNKNOWN`, `INVALID_OPTION`
 */
export async function findTarget(dialled: Address, iam: IamSettings, engine: Engine): Promise<LoginTarget> {
  checkEndpoint(dialled.host, iam, engine)
  const { dial, endpoint } = await findEndpoint(dialled, iam, engine)
  checkEngine(endpoint.host, engine, 'host')
  const parsed = parseEndpoint(endpoint.host)
  return { dial, endpoint, parsed, region: await resolveRegion(parsed, iam) }
}

async function findEndpoint(
  dialled: Address,
  iam: IamSettings,
  engine: Engine,
): Promise<Pick<LoginTarget, 'dial' | 'endpoint'>> {
  const endpoint = namedEndpoint(dialled, iam, engine)
  if (endpoint) return { dial: dialled, endpoint }
  const host = await followCname(dialled.host, {
    region: iam.region,
    timeoutMs: iam.timeoutMs ?? DEFAULT_TIMEOUT_MS,
  })
  const found = { host, port: dialled.port }
  return { dial: found, endpoint: found }
}

/** The endpoint named by the options or by the dialled host. Undefined for an alias. */
export function namedEndpoint(dialled: Address, iam: IamSettings, engine: Engine): Address | undefined {
  if (iam.endpoint !== undefined) {
    const { host, port } = iam.endpoint
    // The port of a tunnel may differ from the endpoint's, so it is no default.
    const defaultPort = host === dialled.host ? dialled.port : DEFAULT_PORTS[engine]
    return { host, port: port ?? defaultPort }
  }
  const { kind } = parseEndpoint(dialled.host)
  const isAlias = kind === 'other' || (kind === 'global' && iam.followCname && iam.region === undefined)
  return isAlias && !isLoopback(dialled.host) ? undefined : dialled
}
