// The endpoint in a process of its own, as the command runs it.
import { createTokenProvider } from '@rds-iam/core'
import { startLocalRds, type Engine } from '@rds-iam/local'
import type { Target } from './workloads'

/** Starts an endpoint, and says where it is; the token is good for as long as the benchmark takes. */
async function start(engine: Engine, backend: string): Promise<Target> {
  const rds = await startLocalRds({ engine, backend })
  const { host, port, user, region, database, ca } = rds
  const credentials = {
    accessKeyId: rds.env['AWS_ACCESS_KEY_ID'] ?? '',
    secretAccessKey: rds.env['AWS_SECRET_ACCESS_KEY'] ?? '',
  }
  const { value } = await createTokenProvider({ host, port, user, region, credentials }).getToken()
  return { host, port, user, password: value, database, ca }
}

const [engine, backend = ''] = process.argv.slice(2)
process.send?.(await start(engine as Engine, backend))
