// How doctor names the credential sources, and which causes it finds for a source that fails.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  startCredentialEndpoints,
  type CredentialEndpoints,
} from '../support/credential-endpoints/credential-endpoints'
import { rdsIam } from './command'
import { startStubbornSts } from './sts'

interface Diagnosis {
  findings: { check: string; status: string; seen: string }[]
  causes: { code: string; why: string }[]
}

const NAME = 'db.cluster-abcdefghijkl.us-east-1.rds.amazonaws.com'
const KEYS = 'aws_access_key_id = AKIATEST\naws_secret_access_key = a-secret-access-key\n'

let directory: string
let endpoints: CredentialEndpoints
beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'sources-'))
  endpoints = await startCredentialEndpoints()
})
afterAll(async () => {
  await endpoints.close()
  rmSync(directory, { recursive: true })
})

/** Runs doctor for a closed port: it still fetches the credentials. */
async function diagnose(env: Record<string, string>): Promise<Diagnosis> {
  const args = ['doctor', '--host', 'localhost', '--port', '1', '--endpoint', NAME, '--user', 'x', '--json']
  const { stdout } = await rdsIam(args, { AWS_ENDPOINT_URL_STS: endpoints.url, ...env })
  return JSON.parse(stdout) as Diagnosis
}

/** The environment with this AWS config file. */
function config(text: string): Record<string, string> {
  const file = join(mkdtempSync(join(directory, 'config-')), 'config')
  writeFileSync(file, text)
  return { AWS_CONFIG_FILE: file }
}

const processGiving = (answer: object) => {
  const script = join(directory, 'process.sh')
  writeFileSync(script, `echo '${JSON.stringify({ Version: 1, ...answer })}'`)
  return config(`[default]\ncredential_process = sh ${script}\n`)
}

const TEMPORARY = {
  AccessKeyId: 'ASIATEST',
  SecretAccessKey: 'a-secret-access-key',
  SessionToken: 'a/session',
}
const ROLE =
  '[default]\nrole_arn = arn:aws:iam::123456789012:role/test\nsource_profile = keys\n' +
  `[profile keys]\n${KEYS}`

describe('names the credential source', () => {
  test.each([
    [
      'the environment',
      () => ({ AWS_ACCESS_KEY_ID: 'AKIATEST', AWS_SECRET_ACCESS_KEY: 'a-secret-access-key' }),
    ],
    ['the shared AWS files', () => config(`[default]\n${KEYS}`)],
    ['a credential_process', () => processGiving(TEMPORARY)],
    ['an assumed role', () => config(ROLE)],
    ['a web identity', () => endpoints.env.webIdentity],
    ['the container endpoint', () => endpoints.env.container],
    ['EC2 instance metadata', () => ({ ...endpoints.env.imds, AWS_EC2_METADATA_DISABLED: 'false' })],
  ])('%s', async (source, env) => {
    const { findings } = await diagnose(env())
    const [credentials] = findings.filter(({ check }) => check === 'credentials')
    expect(credentials).toMatchObject({ status: 'ok' })
    expect(credentials?.seen).toMatch(new RegExp(`^A[KS]IA\\w+ from ${source}, (permanent|temporary)`))
  })
})

describe('finds the cause of a credential source that fails', () => {
  const SSO =
    '[default]\nsso_session = work\nsso_account_id = 123456789012\nsso_role_name = test\n' +
    '[sso-session work]\nsso_region = us-east-1\nsso_start_url = https://work.example/start\n'

  test.each([
    [
      'an expired session from a credential_process',
      'SESSION_EXPIRED',
      () => processGiving({ ...TEMPORARY, Expiration: '2020-01-01T00:00:00Z' }),
    ],
    ['SSO without a sign-in', 'NO_CREDENTIALS', () => config(SSO)],
    ['a profile that does not exist', 'NO_CREDENTIALS', () => ({ AWS_PROFILE: 'nowhere' })],
    ['half a key', 'NO_CREDENTIALS', () => ({ AWS_ACCESS_KEY_ID: 'AKIATEST' })],
  ])('%s', async (_, code, env) => {
    expect((await diagnose(env())).causes[0]?.code).toBe(code)
  })

  test.each([
    ['ExpiredToken', 'SESSION_EXPIRED'],
    ['InvalidClientTokenId', 'KEY_UNKNOWN'],
    ['AccessDenied', 'NO_CREDENTIALS'],
  ])('finds the cause when STS refuses a role with %s', async (error, code) => {
    const sts = await startStubbornSts(error)
    try {
      const { causes } = await diagnose({ ...config(ROLE), AWS_ENDPOINT_URL_STS: sts.url })
      expect(causes[0]?.code).toBe(code)
    } finally {
      await sts.close()
    }
  })
})
