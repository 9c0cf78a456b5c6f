import type { TestProject } from 'vitest/node'
import { startEndpointService } from '../contract/endpoint-service'
import { startTestMysql } from './mysql'
import { startTestPostgres } from './postgres'

declare module 'vitest' {
  interface ProvidedContext {
    postgresUrl: string
    mysqlUrl: string
    /** The URL of the service that starts endpoints outside the test's process. */
    endpointService: string
  }
}

/** Starts one server of each engine for the whole run. Each test file starts its own endpoint in front of it. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const started = await Promise.allSettled([startTestPostgres(), startTestMysql()])
  const stop = async () => {
    for (const server of started) if (server.status === 'fulfilled') await server.value.stop()
  }
  const failed = started.find((server) => server.status === 'rejected')
  if (failed) {
    await stop()
    throw failed.reason
  }
  const [postgres, mysql] = started as [
    PromiseFulfilledResult<{ url: string }>,
    PromiseFulfilledResult<{ url: string }>,
  ]
  project.provide('postgresUrl', postgres.value.url)
  project.provide('mysqlUrl', mysql.value.url)
  const service = await startEndpointService({ postgres: postgres.value.url, mysql: mysql.value.url })
  project.provide('endpointService', service.url)
  return async () => {
    await service.close()
    await stop()
  }
}
