import { RdsIamError } from '../errors'
import { withTimeout } from '../with-timeout'
import { normalizeHost, parseEndpoint } from './parse-endpoint'
import { candidateNames } from './search-list'

const LONGEST_CHAIN = 8

/** The codes for a name without a CNAME, or that cannot have one; any other code is a failure of DNS. */
const NO_CNAME = ['ENOTFOUND', 'ENODATA', 'EBADNAME']

/** Node itself repeats a query that is not answered, but not one that a server fails. */
const RETRY_AFTER_MS = [100, 300]

/**
 * Follows a DNS alias to the first RDS endpoint on its way. A global endpoint counts only when the region
 * is known otherwise; else the chain goes on to the cluster behind it. A short name is completed by the search list
 * of resolv.conf, and a query that a DNS server fails is repeated, as a connection by that name would do it.
 *
 * @throws {RdsIamError} `ENDPOINT_UNKNOWN`
 */
export async function followCname(
  alias: string,
  options: { region?: string | undefined; timeoutMs: number },
): Promise<string> {
  const { region, timeoutMs } = options
  const deadline = Date.now() + timeoutMs

  async function walk(): Promise<string> {
    let name = await firstTarget()
    for (let hop = 0; hop < LONGEST_CHAIN; hop++) {
      const { kind, host } = parseEndpoint(name)
      if (kind === 'global' ? region !== undefined : kind !== 'other') return host
      const target = await resolve(name)
      if (target === undefined) throw unknown(alias, `${name} has no CNAME`)
      name = target
    }
    throw unknown(alias, `more than ${LONGEST_CHAIN} names on its way`)
  }

  async function firstTarget(): Promise<string> {
    const names = await candidateNames(alias)
    for (const name of names) {
      const target = await resolve(name)
      if (target !== undefined) return target
    }
    throw unknown(alias, `${names.join(' or ')} has no CNAME`)
  }

  async function resolve(name: string): Promise<string | undefined> {
    try {
      return await resolveCname(name, deadline)
    } catch (cause) {
      throw unknown(alias, `DNS failed for ${name} (${(cause as NodeJS.ErrnoException).code})`, cause)
    }
  }

  return withTimeout(timeoutMs, walk(), () => unknown(alias, `DNS did not answer within ${timeoutMs} ms`))
}

/** The name that a name is an alias of; undefined for a name without a CNAME. */
async function resolveCname(
  name: string,
  deadline: number,
  [pause, ...later] = RETRY_AFTER_MS,
): Promise<string | undefined> {
  const { promises: dns } = require('node:dns') as typeof import('node:dns')
  try {
    const [target] = await dns.resolveCname(name)
    return target && normalizeHost(target)
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException
    if (NO_CNAME.includes(code)) return undefined
    if (code === 'ETIMEOUT' || pause === undefined || Date.now() + pause >= deadline) throw error
    await new Promise((resolve) => setTimeout(resolve, pause))
    return resolveCname(name, deadline, later)
  }
}

function unknown(alias: string, reason: string, cause?: unknown): RdsIamError {
  return new RdsIamError(
    'ENDPOINT_UNKNOWN',
    `host: no RDS endpoint behind ${alias} (iam.followCname): ${reason}; iam.endpoint can name it`,
    { cause },
  )
}
