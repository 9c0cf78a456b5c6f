import dns from 'node:dns'
import { isIP } from 'node:net'
import { promisify } from 'node:util'
import { parseEndpoint } from '@rds-iam/core'
import { isLoopback, withTimeout } from '@rds-iam/core/internal'
import type { DnsObservation } from '../checks/dns'

const LIMIT_MS = 3_000
const LONGEST_CHAIN = 8

/** Asks DNS for the addresses of a name, and for its aliases. */
export async function probeDns(host: string): Promise<DnsObservation> {
  if (isIP(host)) return { addresses: [host], aliasOf: [] }
  const aliasOf: string[] = []
  const following = isLoopback(host) ? Promise.resolve() : follow(host, aliasOf)
  const timeout = (): Error => Object.assign(new Error(), { code: 'timeout' })
  const [found] = await Promise.all([
    withTimeout(LIMIT_MS, lookUp(host), timeout).catch((error: NodeJS.ErrnoException) => {
      return { addresses: [], error: error.code ?? 'ENOTFOUND' }
    }),
    withTimeout(LIMIT_MS, following, timeout).catch(() => {}),
  ])
  return { ...found, aliasOf: [...aliasOf] }
}

async function lookUp(host: string): Promise<{ addresses: string[]; error?: string }> {
  const found = await promisify(dns.lookup)(host, { all: true })
  return { addresses: found.map(({ address }) => address) }
}

/** Follows the CNAME records of a name, and collects the targets. */
async function follow(host: string, names: string[]): Promise<void> {
  for (let name = host; names.length < LONGEST_CHAIN;) {
    const [target] = await dns.promises.resolveCname(name)
    if (target === undefined) return
    name = parseEndpoint(target).host
    names.push(name)
  }
}
