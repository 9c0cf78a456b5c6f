// The endpoint as the benchmark uses it; run as a program, in a process of its own, as the command runs it.
import { createTokenProvider } from '@rds-iam/core'
import { startLocalRds, type Engine } from '@rds-iam/local'
import type { Target } from './workloads'

/** An endpoint that runs. */
export interface Endpoint {
  target: Target
  close(): Promise<void>
}

/** Starts an endpoint; the token is needed once for each connection, all of which are opened at the beginning. */
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
