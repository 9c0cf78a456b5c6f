import { RdsIamError } from '../errors'
import { withTimeout } from '../with-timeout'
import { normalizeHost, parseEndpoint } from './parse-endpoint'

const LONGEST_CHAIN = 8

/**
 * Follows a DNS alias to the first RDS endpoint on its way. A global endpoint counts only when the region
 * is known otherwise; else the chain goes on to the cluster behind it.
 *
 * @throws {RdsIamError} `ENDPOINT_UNKNOWN`
 */
export async function followCname(
  alias: string,
  options: { region?: string | undefined; timeoutMs: number },
): Promise<string> {
  const { timeoutMs } = options
  return withTimeout(timeoutMs, walk(alias, options.region), () =>
    unknown(alias, `DNS did not answer within ${timeoutMs} ms`),
  )
}

async function walk(alias: string, region: string | undefined): Promise<string> {
  const { promises: dns } = require('node:dns') as typeof import('node:dns')
  let name = alias
  for (let hop = 0; hop <= LONGEST_CHAIN; hop++) {
    const { kind, host } = parseEndpoint(name)
    if (kind === 'global' ? region !== undefined : kind !== 'other') return host
    let target: string | undefined
    try {
      target = (await dns.resolveCname(name))[0]
    } catch (cause) {
      throw unknown(alias, `${name} has no CNAME`, cause)
    }
    if (!target) throw unknown(alias, `${name} has no CNAME`)
    name = normalizeHost(target)
  }
  throw unknown(alias, `more than ${LONGEST_CHAIN} names on its way`)
}

function unknown(alias: string, reason: string, cause?: unknown): RdsIamError {
  return new RdsIamError(
    'ENDPOINT_UNKNOWN',
    `host: no RDS endpoint behind ${alias} (iam.followCname): ${reason}; iam.endpoint can name it`,
    { cause },
  )
}
