import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pgConfig } from '@rds-iam/core/pg'
import pg from 'pg'
import { describe, expect, it } from 'vitest'
import type { TestProject } from 'vitest/node'
import { startEndpoint } from '../contract/endpoint'
import setup from './local/vitest.setup'
import { bundleExample, runProgram } from './run-example'

describe('this program of packages/local/README.md runs:', () => {
  it.each([
    ['start', /isPem: true/],
    ['knex', /current_user: 'jane_doe'/],
    ['pg', /current_user: 'jane_doe'/],
    [
      'faults',
      /^jane_doe refused TOKEN_EXPIRED\nPAM auth.*detail: 'signed 90\d s.*jane_doe accepted.*current_user: 'jane_doe'/s,
    ],
    ['dsql', /^40001 .*OC000.*\n40001 .*OC001/],
    ['cluster.mjs', /isWriter: true.*writer: 'local-1'.*writer: 'local-2'/s],
  ])('%s', async (name, expected) => {
    const program = name.endsWith('.mjs') ? `./examples/local/${name}` : await bundleExample(`local/${name}`)
    expect(await runProgram([program], {})).toMatch(expected)
  })
})

describe('this file of packages/local/README.md logs an application in:', () => {
  it('credentials.mjs', async () => {
    const identity = {
      accessKeyId: 'ASIATEST',
      secretAccessKey: 'not-a-secret',
      sessionToken: 'test-session',
    }
    const rds = await startEndpoint({ engine: 'postgres', identities: [identity] })
    const port = await freePort()
    const folder = mkdtempSync(join(tmpdir(), 'rds-iam-credentials-'))
    writeFileSync(join(folder, 'ca.pem'), rds.ca)
    const application = ['./examples/local/credentials.mjs', await bundleExample('readme/knex')]
    const program = `for (const file of ${JSON.stringify(application)}) await import(file)
      process.exit()`
    const output = await runProgram(['--input-type=module', '--eval', program], {
      NODE_EXTRA_CA_CERTS: join(folder, 'ca.pem'),
      DB_HOST: 'localhost',
      PGPORT: `${rds.port}`,
      PORT: `${port}`,
      AWS_CONTAINER_CREDENTIALS_FULL_URI: `http://127.0.0.1:${port}/`,
      AWS_REGION: 'us-east-1',
    })
    await rds.close()
    rmSync(folder, { recursive: true })
    expect(output).toContain('current_user')
    expect(rds.logins).toMatchObject([{ verdict: 'accepted', accessKeyId: 'ASIATEST' }])
  })

  it('vitest.setup.ts', async () => {
    const provided: Parameters<typeof pgConfig>[0][] = []
    const project = { provide: (_: string, login: object) => void provided.push(login) }
    const teardown = await setup(project as unknown as TestProject)
    expect(await currentUser(provided[0] ?? {})).toBe('jane_doe')
    await teardown()
  })

  it('jest.setup.cjs, jest.teardown.cjs', async () => {
    const require = createRequire(import.meta.url)
    await require('./local/jest.setup.cjs')()
    const { DB_HOST: host, DB_PORT: port, DB_CA: ca } = process.env
    expect(await currentUser({ host, port, user: 'jane_doe', database: 'app', ssl: { ca } })).toBe('jane_doe')
    await require('./local/jest.teardown.cjs')()
  })
})

async function currentUser(login: object): Promise<string | undefined> {
  const pool = new pg.Pool(pgConfig(login))
  const { rows } = await pool.query<{ current_user: string }>('select current_user')
  await pool.end()
  return rows[0]?.current_user
}

async function freePort(): Promise<number> {
  const server = createServer()
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const { port } = server.address() as AddressInfo
  await once(server.close(), 'close')
  return port
}
