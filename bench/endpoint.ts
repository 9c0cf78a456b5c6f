// The local endpoint for the benchmark. As a program it runs in its own process, like the command rds-iam-local.
import { createTokenProvider } from '@rds-iam/core'
import { startLocalRds, type Engine } from '@rds-iam/local'
import type { Target } from './workloads'

/** A running endpoint. */
export interface Endpoint {
  target: Target
  close(): Promise<void>
}

/** Starts an endpoint. One token is enough: the drivers open all connections at the beginning. */
export async function startEndpoint(engine: Engine, backend: string): Promise<Endpoint> {
  const rds = await startLocalRds({ engine, backend })
  const { host, port, user, region, database, ca } = rds
  const credentials = {
    accessKeyId: rds.env['AWS_ACCESS_KEY_ID'] ?? '',
    secretAccessKey: rds.env['AWS_SECRET_ACCESS_KEY'] ?? '',
  }
  const { value } = await createTokenProvider({ host, port, user, region, credentials }).getToken()
  return { target: { host, port, user, password: value, database, ca }, close: () => rds.close() }
}

if (process.send !== undefined) {
  const [engine, backend = ''] = process.argv.slice(2)
  process.send((await startEndpoint(engine as Engine, backend)).target)
}
