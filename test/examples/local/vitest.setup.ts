// rds.setup.ts, in vitest.config.ts: test: { globalSetup: ['./rds.setup.ts'] }
import { startLocalRds } from '@rds-iam/local'
import type { TestProject } from 'vitest/node'

declare module 'vitest' {
  interface ProvidedContext {
    database: { host: string; port: number; user: string; database: string; ssl: { ca: string } }
  }
}

export default async function setup(project: TestProject) {
  const rds = await startLocalRds()
  const { host, port, user, database, ca } = rds
  Object.assign(process.env, rds.env)
  project.provide('database', { host, port, user, database, ssl: { ca } })
  return () => rds.close()
}
