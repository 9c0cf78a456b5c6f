import { promises as dns } from 'node:dns'
import { UsageError } from '../errors'
import { requireEndpoint, type LoginOptions } from './options'

/** The endpoint's host, which the certificate must name, and the addresses to dial in its place, in this order. */
export interface Tunnel {
  host: string
  addresses: string[]
}

/** The host of a tunnel, once for each address: libpq takes two lists, and tries one pair after the other. */
export function tunnelHosts({ host, addresses }: Tunnel): string[] {
  return addresses.map(() => host)
}

/**
 * The tunnel for a client to use; undefined if the options dial the endpoint by its own name.
 *
 * @throws {UsageError} for MySQL, whose clients cannot dial one host and verify another.
 */
export async function tunnelOf(options: LoginOptions): Promise<Tunnel | undefined> {
  const { dial, engine } = options
  const { host } = requireEndpoint(options)
  if (host === dial.host) return undefined
  if (engine === 'mysql') throw noTunnel(host, 'MySQL clients verify the name that they dial')
  return { host, addresses: await addressesOf(dial.host) }
}

/** The error for a client that cannot use a tunnel to an endpoint, with the way around it. */
export function noTunnel(host: string, reason: string): UsageError {
  return new UsageError(
    `--endpoint: ${reason}. Map ${host} to the tunnel (/etc/hosts), and give that name as --host, ` +
      `with --endpoint ${host}:PORT if the tunnel's port is not the database's`,
  )
}

async function addressesOf(host: string): Promise<string[]> {
  const found = await dns.lookup(host, { all: true })
  return found.map(({ address }) => address)
}
