import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startEndpoint, type TestEndpoint } from '../contract/endpoint'
import { startDns } from '../servers/dns'
import { startCredentialEndpoints } from '../support/credential-endpoints/credential-endpoints'
import { bundleExample, runProgram } from './run-example'

const root = new URL('../../', import.meta.url)
const readme = readFileSync(new URL('README.md', root), 'utf8')
const GLOBAL = 'myglobal.global-abcdefghijkl.global.rds.amazonaws.com'
const PRIMARY = 'primary.cluster-abcdefghijkl.eu-west-1.rds.amazonaws.com'
const TUNNELLED = 'mydb.cluster-abcdefghijkl.eu-west-1.rds.amazonaws.com'

describe('README.md', () => {
  it('shows both adapters within its first 30 lines', () => {
    const beginning = readme.split('\n').slice(0, 30).join('\n')
    expect(beginning).toContain("from '@rds-iam/knex'")
    expect(beginning).toContain("from '@rds-iam/kysely'")
  })
})

describe('this snippet of README.md or docs logs in:', () => {
  const folder = mkdtempSync(join(tmpdir(), 'rds-iam-test-'))
  const caFile = join(folder, 'ca.pem')
  let postgres: TestEndpoint
  let mysql: TestEndpoint
  let tunnel: TestEndpoint
  let sts: Awaited<ReturnType<typeof startCredentialEndpoints>>

  beforeAll(async () => {
    ;[postgres, mysql, tunnel, sts] = await Promise.all([
      startEndpoint({ engine: 'postgres' }),
      startEndpoint({ engine: 'mysql' }),
      startEndpoint({ engine: 'postgres', endpoints: [`${TUNNELLED}:5432`, PRIMARY], region: 'eu-west-1' }),
      startCredentialEndpoints({
        onIssued: (identity) => postgres.setIdentities([postgres.identity, identity]),
      }),
    ])
    writeFileSync(caFile, [postgres, mysql, tunnel].map(({ ca }) => ca).join('\n'))
  })
  afterAll(async () => {
    for (const endpoint of [postgres, mysql, tunnel, sts]) await endpoint?.close()
    rmSync(folder, { recursive: true })
  })

  async function run(
    name: string,
    rds: TestEndpoint,
    env: Record<string, string> = {},
    program?: readonly string[],
  ): Promise<string> {
    const path = name.includes('/') ? name : `readme/${name}`
    return runProgram(program ?? [await bundleExample(path)], {
      ...rds.env,
      NODE_EXTRA_CA_CERTS: caFile,
      DB_HOST: 'localhost',
      DB_PORT: `${rds.port}`,
      PGPORT: `${rds.port}`,
      ...env,
    })
  }

  it.each(['knex', 'kysely'])('%s', async (name) => {
    expect(await run(name, postgres)).toContain('current_user')
  })

  it('mysql', async () => {
    await run('mysql', mysql)
    expect(mysql.logins.map(({ verdict }) => verdict)).toEqual(['accepted', 'accepted'])
  })

  it('knex-static', async () => {
    await run('knex-static', mysql)
    expect(mysql.logins.at(-1)?.verdict).toBe('accepted')
  })

  it('tunnel', async () => {
    await run('tunnel', tunnel, { TUNNEL_PORT: `${tunnel.port}` })
    expect(tunnel.logins).toMatchObject([{ verdict: 'accepted' }])
  })

  it('own-ca', async () => {
    await run('own-ca', postgres, { NODE_EXTRA_CA_CERTS: '', CA_FILE: caFile })
    expect(postgres.logins.at(-1)?.verdict).toBe('accepted')
  })

  it('assumed-role', async () => {
    await run('assumed-role', postgres, { AWS_ENDPOINT_URL_STS: sts.url })
    expect(postgres.logins.at(-1)).toMatchObject({
      verdict: 'accepted',
      accessKeyId: expect.stringMatching(/^ASIA/),
    })
  })

  it('token', async () => {
    expect(await run('token', postgres)).toMatch(/redacted.* is a password until 20/)
  })

  it('docs/kysely-tunnel', async () => {
    const credentialsFile = join(folder, 'credentials')
    const { accessKeyId, secretAccessKey } = tunnel.identity
    writeFileSync(
      credentialsFile,
      `[dev]\naws_access_key_id = ${accessKeyId}\naws_secret_access_key = ${secretAccessKey}\n`,
    )
    const env = { TUNNEL_PORT: `${tunnel.port}`, AWS_SHARED_CREDENTIALS_FILE: credentialsFile }
    expect(await run('docs/kysely-tunnel', tunnel, env)).toContain('current_user')
    expect(tunnel.logins.at(-1)?.verdict).toBe('accepted')
  })

  it('docs/global-database', async () => {
    const names = await startDns()
    names.aliases.set(GLOBAL, PRIMARY)
    const hosts = join(folder, 'hosts.json')
    writeFileSync(hosts, JSON.stringify({ [PRIMARY]: '127.0.0.1' }))
    const dns = join(folder, 'dns.cjs')
    writeFileSync(dns, `require('node:dns').setServers(['${names.address}'])`)
    const env = { DB_HOST: GLOBAL, TEST_HOSTS: hosts, AWS_REGION: 'us-east-1' }
    const program = [
      '--require',
      './support/hosts.cjs',
      '--require',
      dns,
      await bundleExample('docs/global-database'),
    ]
    expect(await run('docs/global-database', tunnel, env, program)).toContain('current_user')
    expect(tunnel.logins.at(-1)?.verdict).toBe('accepted')
    await names.close()
  })

  it('docs/lambda', async () => {
    const invoke =
      "import('./examples/docs/lambda.ts').then(async ({ handler }) => (console.log(await handler()), process.exit()))"
    expect(await run('docs/lambda', postgres, {}, ['--import=tsx', '--eval', invoke])).toContain(
      'current_user',
    )
    expect(postgres.logins.at(-1)?.verdict).toBe('accepted')
  })

  it('docs/vercel', async () => {
    const request = `
      const waited = []
      globalThis[Symbol.for('@vercel/request-context')] = { get: () => ({ waitUntil: (work) => waited.push(work) }) }
      import('./examples/docs/vercel.ts').then(async ({ GET }) => {
        console.log(await (await GET()).text(), 'waits until', waited.length)
        process.exit()
      })`
    const output = await run(
      'docs/vercel',
      postgres,
      {
        VERCEL_OIDC_TOKEN: readFileSync(sts.env.webIdentity['AWS_WEB_IDENTITY_TOKEN_FILE'] ?? '', 'utf8'),
        VERCEL_URL: 'shop.vercel.app',
        VERCEL_REGION: 'iad1',
        AWS_ENDPOINT_URL_STS: sts.url,
      },
      ['--import=tsx', '--eval', request],
    )
    expect(output).toMatch(/current_user.* waits until 1\n/)
    expect(postgres.logins.at(-1)).toMatchObject({
      verdict: 'accepted',
      accessKeyId: expect.stringMatching(/^ASIA/),
    })
  })

  it('docs/error-code', async () => {
    const output = await run('docs/error-code', postgres, { AWS_REGION: 'eu-west-1' })
    expect(output).toMatch(
      /^PAM authentication failed for user "jane_doe"\nLOGIN_REFUSED: .* @rds-iam\/local prints the reason\.\nSee https:/s,
    )
    expect(postgres.logins.at(-1)?.verdict).toBe('refused')
  })

  it.each(['drivers', 'metrics', 'packages/core', 'packages/knex', 'packages/kysely'])(
    '%s (runs without a login)',
    async (name) => {
      expect(await run(name, postgres)).toBe('')
    },
  )
})
