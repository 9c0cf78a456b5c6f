import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { diagnose as diagnoseApplication } from 'rds-iam'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { startEndpoint, type TestEndpoint } from '../contract/endpoint'
import { DSQL_ENDPOINT } from '../contract/endpoint-options'
import { requirePrograms } from '../local/clients/programs'
import {
  startCredentialEndpoints,
  type CredentialEndpoints,
} from '../support/credential-endpoints/credential-endpoints'
import { rdsIam } from './command'

let rds: TestEndpoint
let sts: CredentialEndpoints
let directory: string
let env: Record<string, string>
beforeAll(async () => {
  await requirePrograms({ psql: 'postgresql-client' })
  directory = mkdtempSync(join(tmpdir(), 'dsql-'))
  rds = await startEndpoint({ engine: 'dsql' })
  sts = await startCredentialEndpoints()
  writeFileSync(join(directory, 'ca.pem'), rds.ca)
  env = { ...rds.env, AWS_ENDPOINT_URL_STS: sts.url }
}, 600_000)
afterAll(async () => {
  rmSync(directory, { recursive: true })
  await Promise.all([rds.close(), sts.close()])
})

/** The arguments for a tunnel to the cluster. */
const through = (user: string, ...more: string[]) => [
  '--host=localhost',
  `--port=${rds.port}`,
  `--endpoint=${DSQL_ENDPOINT}`,
  `--user=${user}`,
  `--ca=${join(directory, 'ca.pem')}`,
  ...more,
]

describe('token', () => {
  test.each([
    ['admin', 'DbConnectAdmin'],
    ['app', 'DbConnect'],
  ])('prints an Aurora DSQL token for %s', async (user, action) => {
    const { stdout } = await rdsIam(['token', '--host', DSQL_ENDPOINT, '--user', user], env)
    const url = new URL(`https://${stdout}`)
    expect(url.host).toBe(DSQL_ENDPOINT)
    expect(url.searchParams.get('Action')).toBe(action)
    expect(url.searchParams.get('X-Amz-Credential')).toContain('/us-east-1/dsql/aws4_request')
  })

  test('--url contains the database postgres', async () => {
    const { stdout } = await rdsIam(['token', '--url', '--host', DSQL_ENDPOINT, '--user', 'app'], env)
    expect(new URL(stdout)).toMatchObject({ hostname: DSQL_ENDPOINT, pathname: '/postgres' })
  })
})

describe('exec', () => {
  test('logs psql in through a tunnel', async () => {
    const query = ['psql', '-X', '-A', '-t', '-q', '-c', 'select current_database()']
    const outcome = await rdsIam(['exec', ...through(rds.user), '--', ...query], env)
    expect(outcome).toMatchObject({ status: 0, stderr: '' })
    expect(rds.logins.at(-1)).toMatchObject({ verdict: 'accepted', user: rds.user })
  })

  test('sets the database postgres, unless --database is given', async () => {
    const print = ['sh', '-c', 'echo $PGDATABASE ${DATABASE_URL%%[?]*} | sed "s/app:[^@]*@/app@/"']
    const database = async (...more: string[]) =>
      (await rdsIam(['exec', '--host', DSQL_ENDPOINT, '--user', 'app', ...more, '--', ...print], env)).stdout
    expect(await database()).toBe(`postgres postgresql://app@${DSQL_ENDPOINT}:5432/postgres\n`)
    expect(await database('--database', 'shop')).toMatch(/^shop .*\/shop\n$/)
  })
})

describe('doctor', () => {
  const diagnose = async (user: string, more: Record<string, string> = {}) => {
    const { stdout, status } = await rdsIam(['doctor', ...through(user), '--json'], { ...env, ...more })
    const result = JSON.parse(stdout) as { ok: boolean; causes: { code: string; fix: string }[] }
    return { ...result, status }
  }

  test('finds no fault when the login works', async () => {
    expect(await diagnose(rds.user)).toMatchObject({ status: 0, ok: true, causes: [] })
  })

  test('logs in to the database postgres when an application names none', async () => {
    vi.stubEnv('AWS_ENDPOINT_URL_STS', sts.url)
    const { database: _, ...application } = rds.options
    expect(await diagnoseApplication(application)).toMatchObject({ ok: true, causes: [] })
    vi.unstubAllEnvs()
  })

  test.each([
    ['app', ['USER_NOT_ALLOWED', 'USER_NOT_GRANTED'], 'dsql:DbConnect"'],
    ['admin', ['USER_NOT_ALLOWED'], 'dsql:DbConnectAdmin"'],
  ])('names the policy and the mapping when %s is refused', async (user, codes, action) => {
    const { causes } = await diagnose(user, { AWS_SECRET_ACCESS_KEY: 'wrong' })
    expect(causes.map(({ code }) => code)).toEqual(codes)
    const fixes = causes.map(({ fix }) => fix).join('\n')
    expect(fixes).toContain(action)
    expect(fixes.includes(`AWS IAM GRANT "${user}" TO 'arn:aws:`)).toBe(user !== 'admin')
    expect(JSON.stringify(causes)).not.toMatch(/rds-db|rds_iam/)
  })
})

test.each([
  [['--host', DSQL_ENDPOINT, '--engine', 'mysql'], '--engine: Aurora DSQL speaks PostgreSQL'],
  [['--host', 'shop.abc.us-east-1.redshift.amazonaws.com'], 'belongs to Amazon Redshift, not to RDS'],
])('refuses %j', async (args, message) => {
  const outcome = await rdsIam(['token', '--user', 'app', ...args], env)
  expect(outcome).toMatchObject({ status: 2, stdout: '', stderr: expect.stringContaining(message) })
})

test('uses PostgreSQL when a tunnel to Aurora DSQL has port 3306', async () => {
  const target = ['--host', 'localhost', '--port', '3306', '--endpoint', DSQL_ENDPOINT, '--user', 'app']
  expect(await rdsIam(['token', ...target], env)).toMatchObject({ status: 0, stderr: '' })
})
