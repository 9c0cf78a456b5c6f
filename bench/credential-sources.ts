// A local RDS endpoint, and the endpoints from which AWS SDKs get credentials for it, in their own process.
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startLocalRds } from '@rds-iam/local'
import { startCredentialEndpoints } from '../test/support/credential-endpoints/credential-endpoints'
import type { Endpoint } from './scene'

/** The RDS endpoint, and the environment variables with which a program finds each source of credentials. */
export interface CredentialSources {
  endpoint: Endpoint
  env: Record<string, Record<string, string>>
}

const ACCOUNT = '123456789012'
const SESSION = 'bench'
const PROFILE = `[profile app]
region = us-east-1
sso_session = ${SESSION}
sso_account_id = ${ACCOUNT}
sso_role_name = app

[sso-session ${SESSION}]
sso_start_url = https://example.awsapps.com/start
sso_region = us-east-1
sso_registration_scopes = sso:account:access
`

async function start(backend: string): Promise<CredentialSources> {
  const rds = await startLocalRds({ engine: 'postgres', backend })
  const { host, port, user, region, database, ca, env } = rds
  const own = {
    accessKeyId: env['AWS_ACCESS_KEY_ID'] ?? '',
    secretAccessKey: env['AWS_SECRET_ACCESS_KEY'] ?? '',
  }
  const signedIn = {
    accessKeyId: 'ASIABENCHSIGNEDIN000',
    secretAccessKey: 'bench',
    sessionToken: 'x'.repeat(800),
  }
  const identities = [own, signedIn]
  rds.setIdentities(identities)
  const { env: found } = await startCredentialEndpoints({
    rotate: false,
    onIssued(identity) {
      identities.push(identity)
      rds.setIdentities(identities)
    },
  })

  const folder = mkdtempSync(join(tmpdir(), 'rds-iam-bench-'))
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
  const { AWS_CONTAINER_AUTHORIZATION_TOKEN: token = '', ...container } = found.container
  const tokenFile = join(folder, 'token')
  writeFileSync(tokenFile, token)
  return {
    endpoint: { engine: 'postgres', host, port, delayedPort: port, user, region, database, ca, backend, env },
    env: {
      ECS: found.container,
      'EKS Pod Identity': { ...container, AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: tokenFile },
      'web identity': found.webIdentity,
      SSO: {
        ...signIn(folder),
        AWS_PROFILE: 'app',
        AWS_ENDPOINT_URL_SSO: await startPortal(signedIn),
      },
      EC2: { ...found.imds, AWS_EC2_METADATA_DISABLED: 'false' },
    },
  }
}

/** Writes what `aws configure sso` and `aws sso login` write. */
function signIn(home: string): Record<string, string> {
  const cache = join(home, '.aws/sso/cache')
  mkdirSync(cache, { recursive: true })
  writeFileSync(join(home, '.aws/config'), PROFILE)
  const name = createHash('sha1').update(SESSION).digest('hex')
  const expiresAt = new Date(Date.now() + 8 * 3_600_000).toISOString()
  writeFileSync(join(cache, `${name}.json`), JSON.stringify({ accessToken: 'signed-in', expiresAt }))
  return { HOME: home }
}

/** Starts the portal of IAM Identity Center, which exchanges a sign-in for credentials. Returns its URL. */
async function startPortal(roleCredentials: object): Promise<string> {
  const portal = createServer((_, response) => {
    response.setHeader('content-type', 'application/json')
    response.end(
      JSON.stringify({ roleCredentials: { ...roleCredentials, expiration: Date.now() + 3_600_000 } }),
    )
  })
  portal.listen(0, '127.0.0.1')
  await once(portal, 'listening')
  return `http://127.0.0.1:${(portal.address() as AddressInfo).port}`
}

const [backend = ''] = process.argv.slice(2)
process.send?.(await start(backend))
process.once('disconnect', () => process.exit())
