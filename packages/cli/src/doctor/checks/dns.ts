import { isIP } from 'node:net'
import { parseEndpoint } from '@rds-iam/core'
import { failed, ok, type Finding } from '../finding'
import type { Subject } from '../subject'

/** What DNS says about the dialled name. */
export interface DnsObservation {
  addresses: readonly string[]
  /** The names that the dialled one is an alias of, one after the other. */
  aliasOf: readonly string[]
  /** Why there is no address: the code of the error, or `timeout`. */
  error?: string
}

/** The RDS endpoint that an alias leads to. */
export function endpointBehind({ aliasOf }: DnsObservation): string | undefined {
  return aliasOf.find((name) => !['other', 'global'].includes(parseEndpoint(name).kind))
}

/** Whether the dialled name leads anywhere, and whether it is the endpoint's own. */
export function checkDns(subject: Subject, observation: DnsObservation): Finding {
  const { dial, endpoint, endpointGiven } = subject
  const { addresses, aliasOf, error } = observation
  const details = aliasOf.length > 0 ? [`${dial.host} → ${aliasOf.join(' → ')}`] : []
  if (error !== undefined) return failed('dns', nameUnknown(dial.host, error), details)

  const behind = endpointBehind(observation)
  if (!endpointGiven && (!endpoint || endpoint.host !== dial.host))
    return failed('dns', alias(subject, behind), details)
  const seen = addresses.includes(dial.host)
    ? 'an address, no name'
    : `${dial.host} is ${addresses.join(', ')}`
  // An Aurora endpoint's name is itself an alias: of the instance that is the writer now.
  const isOwnName = endpoint?.host === dial.host
  if (endpoint && !isOwnName && behind !== undefined && !aliasOf.includes(endpoint.host)) {
    return {
      check: 'dns',
      status: 'warning',
      seen: `${dial.host} leads to ${behind}, and --endpoint names ${endpoint.host}`,
      details,
      suspicions: [
        {
          code: 'ENDPOINT_MISMATCH',
          certainty: 'possible',
          why: `${dial.host} is an alias of ${behind}, but the token is for ${endpoint.host}`,
          fix: `--endpoint ${behind}:${dial.port} (in code: iam.endpoint)`,
        },
      ],
    }
  }
  return ok('dns', seen, details)
}

function nameUnknown(host: string, error: string) {
  const isSilent = error === 'timeout' || error === 'EAI_AGAIN'
  return {
    code: 'NAME_UNKNOWN',
    why: isSilent ? `DNS does not answer for ${host}` : `DNS knows no ${host} (${error})`,
    fix: isSilent
      ? 'Check the DNS servers of this machine: a VPC needs "DNS resolution" on, a VPN its own resolver.'
      : 'Copy the endpoint from the console (Connectivity & security); a deleted or renamed instance has another.',
  } as const
}

function alias({ dial }: Subject, behind: string | undefined) {
  const what = isIP(dial.host) ? 'an address' : 'a name of your own'
  return {
    code: 'ALIAS',
    why: behind
      ? `${dial.host} is an alias of ${behind}, and RDS takes only tokens for its own name`
      : `${dial.host} is ${what}, and RDS takes only tokens for the endpoint's own name`,
    fix: behind
      ? `--endpoint ${behind}:${dial.port} (in code: iam.endpoint, or iam.followCname to look it up for each connection)`
      : '--endpoint HOST:PORT with the name that the console shows under Connectivity & security (in code: iam.endpoint)',
  } as const
}
