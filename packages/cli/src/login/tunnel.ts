import { promises as dns } from 'node:dns'
import { isLoopback } from '@rds-iam/core/internal'
import { UsageError } from '../usage-error'
import { requireEndpoint, type LoginOptions } from './options'

/** Whose name the certificate must have, and the address that is dialled for it. */
export interface Tunnel {
  host: string
  address: string
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
  if (engine === 'mysql') {
    throw new UsageError(
      `--endpoint: the clients of MySQL verify the name that they dial: let ${host} lead to the tunnel ` +
        `(/etc/hosts), and give it as --host`,
    )
  }
  return { host, address: await addressOf(dial.host) }
}

async function addressOf(host: string): Promise<string> {
  return isLoopback(host) && host !== 'localhost' ? host : (await dns.lookup(host)).address
}
