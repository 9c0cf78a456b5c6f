import dns from 'node:dns'
import { isIP } from 'node:net'
import { promisify } from 'node:util'
import { parseEndpoint } from '@rds-iam/core'
import { isLoopback, withTimeout } from '@rds-iam/core/internal'
import type { DnsObservation } from '../checks/dns'

const LIMIT_MS = 3_000
const LONGEST_CHAIN = 8

/** Asks DNS for the addresses of a name, and for what it is an alias of. */
export async function probeDns(host: string): Promise<DnsObservation> {
  if (isIP(host)) return { addresses: [host], aliasOf: [] }
  const aliasOf: string[] = []
  const following = isLoopback(host) ? Promise.resolve() : follow(host, aliasOf)
  const silence = (): Error => Object.assign(new Error(), { code: 'timeout' })
  const [found] = await Promise.all([
    withTimeout(LIMIT_MS, lookUp(host), silence).catch((error: NodeJS.ErrnoException) => {
      return { addresses: [], error: error.code ?? 'ENOTFOUND' }
    }),
    withTimeout(LIMIT_MS, following, silence).catch(() => {}),
  ])
  return { ...found, aliasOf: [...aliasOf] }
}

async function lookUp(host: string): Promise<{ addresses: string[]; error?: string }> {
  const found = await promisify(dns.lookup)(host, { all: true })
  return { addresses: found.map(({ address }) => address) }
}

/** Collects the names that one is an alias of, until there is no more to say. */
async function follow(host: string, names: string[]): Promise<void> {
  for (let name = host; names.length < LONGEST_CHAIN;) {
    const [target] = await dns.promises.resolveCname(name)
    if (target === undefined) return
    name = parseEndpoint(target).host
    names.push(name)
  }
}
