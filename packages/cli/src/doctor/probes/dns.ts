import dns from 'node:dns'
import { isIP } from 'node:net'
import { promisify } from 'node:util'
import { parseEndpoint } from '@rds-iam/core'
import { isLoopback } from '../../login-options'
import type { DnsObservation } from '../checks/dns'
import { within } from './time-limit'

const LIMIT_MS = 3_000
const LONGEST_CHAIN = 8

/** Asks DNS for the addresses of a name, and for what it is an alias of. */
export async function probeDns(host: string): Promise<DnsObservation> {
  if (isIP(host)) return { addresses: [host], aliasOf: [] }
  const [found, aliasOf] = await Promise.all([
    within(LIMIT_MS, lookUp(host), () => ({ addresses: [], error: 'timeout' })),
    isLoopback(host) ? [] : aliases(host),
  ])
  return { ...found, aliasOf }
}

async function lookUp(host: string): Promise<{ addresses: string[]; error?: string }> {
  try {
    const found = await promisify(dns.lookup)(host, { all: true })
    return { addresses: found.map(({ address }) => address) }
  } catch (error) {
    return { addresses: [], error: (error as NodeJS.ErrnoException).code ?? 'ENOTFOUND' }
  }
}

async function aliases(host: string): Promise<string[]> {
  const found: string[] = []
  const deadline = Date.now() + LIMIT_MS
  for (let name = host; found.length < LONGEST_CHAIN;) {
    const answer = dns.promises.resolveCname(name).catch(() => [])
    const [target] = await within(deadline - Date.now(), answer, () => [])
    if (target === undefined) return found
    name = parseEndpoint(target).host
    found.push(name)
  }
  return found
}
