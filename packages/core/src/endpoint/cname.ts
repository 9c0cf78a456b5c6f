import { normalizeHost } from '../address'
import { RdsIamError } from '../errors'
import { withTimeout } from '../with-timeout'
import { parseEndpoint } from './parse-endpoint'
import { candidateNames } from './search-list'

const LONGEST_CHAIN = 8

/** DNS codes which mean that a name has no CNAME. Any other code is a DNS failure. */
const NO_CNAME = ['ENOTFOUND', 'ENODATA', 'EBADNAME']

/** Node retries a query that times out, but not one that fails with an error code such as SERVFAIL. */
const RETRY_AFTER_MS = [100, 300]

/**
 * Follows the CNAME chain of an alias to the first RDS endpoint. A global endpoint has no region in its name: unless
 * `region` is given, the chain is followed further, to the cluster. As in the system's resolver, the search list of
 * resolv.conf completes short names, and failed queries are retried.
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
    throw unknown(alias, `more than ${LONGEST_CHAIN} CNAMEs in the chain`)
  }

  async function firstTarget(): Promise<string> {
    const names = await candidateNames(alias)
    let failure: unknown
    for (const name of names) {
      // After a failure only the name itself is safe: another search domain may have another database of that name.
      if (failure !== undefined && name !== alias) continue
      try {
        const target = await resolve(name)
        if (target !== undefined) return target
      } catch (error) {
        failure ??= error
      }
    }
    throw failure ?? unknown(alias, `${names.join(' or ')} has no CNAME`)
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

/** The target of a name's CNAME; undefined if the name has none. */
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
  const advice =
    parseEndpoint(alias).kind === 'global'
      ? "Give the primary cluster's region in iam.region"
      : 'Fix the alias, or set iam.endpoint'
  return new RdsIamError(
    'ENDPOINT_UNKNOWN',
    `host: no RDS endpoint behind ${alias} (iam.followCname): ${reason}. ${advice}`,
    { cause },
  )
}
