import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, inject, it } from 'vitest'
import { bundleBootstrap, bundleHandler, formats, handlers, type Handler } from './bundle'
import { freezeAcrossTokenEnd } from './freeze'

describe('a bundled Lambda function logs in again when it was frozen until its token expired', () => {
  let folder: string
  let bootstrap: string
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'rds-iam-bundles-'))
    bootstrap = await bundleBootstrap(folder)
  })
  afterAll(() => rm(folder, { recursive: true }))

  const names = Object.keys(handlers) as Handler[]
  const cases = names.flatMap((handler) => formats.map((format) => [handler, format] as const))
  it.concurrent.each(cases)('%s as %s', { timeout: 120_000 }, async (handler, format) => {
    const engine = handlers[handler]
    await freezeAcrossTokenEnd({
      command: [process.execPath, bootstrap, await bundleHandler(handler, format, folder)],
      engine,
      backend: inject(engine === 'postgres' ? 'postgresUrl' : 'mysqlUrl'),
    })
  })
})
