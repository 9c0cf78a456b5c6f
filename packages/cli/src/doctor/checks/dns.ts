import { isIP } from 'node:net'
import { parseEndpoint } from '@rds-iam/core'
import { otherService } from '@rds-iam/core/internal'
import { isDsql, type LoginOptions } from '../../login/options'
import { failed, ok, warning, type Cause, type Finding } from '../finding'

/** What DNS says about the dialled name. */
export interface DnsObservation {
  addresses: readonly string[]
  /** The targets of its CNAME records, in their order. */
  aliasOf: readonly string[]
  /** Why there is no address: an error code, or `timeout`. */
  error?: string
}

/** The RDS endpoint behind an alias. */
export function endpointBehind({ aliasOf }: DnsObservation): string | undefined {
  return aliasOf.find((name) => !['other', 'global'].includes(parseEndpoint(name).kind))
}

/** Whether the dialled name has an address, and whether it is the endpoint's name. */
export function checkDns(options: LoginOptions, observation: DnsObservation): Finding {
  const { dial, endpoint, endpointGiven, followCname } = options
  const { addresses, aliasOf, error } = observation
  const details = aliasOf.length > 0 ? [`${dial.host} → ${aliasOf.join(' → ')}`] : []
  const foreign = [dial.host, ...aliasOf].find((name) => otherService(name) !== undefined)
  if (!endpointGiven && foreign !== undefined) return failed('dns', notRds(foreign), details)
  if (error !== undefined) return failed('dns', nameUnknown(dial.host, error), details)

  const behind = endpointBehind(observation)
  if (!endpoint && followCname && behind !== undefined)
    return ok('dns', `${dial.host} is an alias of ${behind}, which is dialled`, details)
  if (!endpointGiven && (!endpoint || endpoint.host !== dial.host))
    return failed('dns', alias(dial.host, dial.port, behind), details)
  const seen = addresses.includes(dial.host)
    ? 'an IP address, not a name'
    : `${dial.host} is ${addresses.join(', ')}`
  // An Aurora endpoint is itself an alias of the current writer's instance endpoint.
  const isOwnName = endpoint?.host === dial.host
  if (endpoint && !isOwnName && behind !== undefined && !aliasOf.includes(endpoint.host)) {
    const mismatch: Cause = {
      code: 'ENDPOINT_MISMATCH',
      why: `${dial.host} is an alias of ${behind}, but the token is for ${endpoint.host}`,
      fix: `--endpoint ${behind}:${dial.port} (in code: iam.endpoint)`,
    }
    const named = `${dial.host} leads to ${behind}, and --endpoint names ${endpoint.host}`
    return warning('dns', named, [mismatch], details)
  }
  return ok('dns', seen, details)
}

function nameUnknown(host: string, error: string): Cause {
  const isSilent = error === 'timeout' || error === 'EAI_AGAIN'
  return {
    code: 'NAME_UNKNOWN',
    why: isSilent ? `DNS does not answer for ${host}` : `DNS does not know ${host} (${error})`,
    fix: isSilent
      ? 'Check the DNS servers of this machine: a VPC needs "DNS resolution" on, a VPN its own resolver.'
      : 'Copy the endpoint from the console (Connectivity & security); a deleted or renamed instance has another one.',
  }
}

function notRds(host: string): Cause {
  return {
    code: 'NOT_RDS',
    why: `${host} belongs to ${otherService(host)}, not to RDS`,
    fix: 'Give the endpoint of an RDS, Aurora or Aurora DSQL database.',
  }
}

function alias(host: string, port: number, behind: string | undefined): Cause {
  if (behind !== undefined && isDsql(behind))
    return {
      code: 'ALIAS',
      why: `${host} is an alias of ${behind}, and Aurora DSQL accepts only its own name`,
      fix: `--host ${behind}, or --endpoint ${behind} (in code: host or iam.endpoint)`,
    }
  const what = isIP(host) ? 'an IP address' : 'not the name of an RDS endpoint'
  return {
    code: 'ALIAS',
    why: behind
      ? `${host} is an alias of ${behind}, and RDS accepts only tokens for its own name`
      : `${host} is ${what}, and RDS accepts only tokens for the endpoint's own name`,
    fix: behind
      ? `--endpoint ${behind}:${port} (in code: iam.endpoint, or iam.followCname to resolve it for each connection)`
      : '--endpoint HOST:PORT with the name that the console shows under Connectivity & security (in code: iam.endpoint)',
  }
}
