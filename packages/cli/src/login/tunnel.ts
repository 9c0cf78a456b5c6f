import { promises as dns } from 'node:dns'
import { UsageError } from '../usage-error'
import { requireEndpoint, type LoginOptions } from './options'

/** Whose name the certificate must have, and the addresses that are dialled for it, one after the other. */
export interface Tunnel {
  host: string
  addresses: string[]
}

/** The host of a tunnel once for each of its addresses: libpq pairs them, and tries one pair after the other. */
export function tunnelHosts({ host, addresses }: Tunnel): string[] {
  return addresses.map(() => host)
}

/**
 * The tunnel that the options describe for clients of others; none where they dial the endpoint's own name.
 *
 * @throws {UsageError} for MySQL, whose clients cannot be told the two apart.
 */
export async function tunnelOf(options: LoginOptions): Promise<Tunnel | undefined> {
  const { dial, engine } = options
  const { host } = requireEndpoint(options)
  if (host === dial.host) return undefined
  if (engine === 'mysql') throw noTunnel(host, 'the clients of MySQL verify the name that they dial')
  return { host, addresses: await addressesOf(dial.host) }
}

/** The refusal of a tunnel to an endpoint, with the way around it. */
export function noTunnel(host: string, reason: string): UsageError {
  return new UsageError(
    `--endpoint: ${reason}: let ${host} lead to the tunnel (/etc/hosts), and give it as --host, ` +
      `with --endpoint ${host}:PORT if the tunnel's port is not the database's`,
  )
}

async function addressesOf(host: string): Promise<string[]> {
  const found = await dns.lookup(host, { all: true })
  return found.map(({ address }) => address)
}
