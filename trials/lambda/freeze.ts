import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { startLocalRds, type TestIdentity } from '@rds-iam/local'
import { startCredentialEndpoints } from '../../test/support/credential-endpoints/credential-endpoints'
import { startFunction } from './frozen-process'

/** A function, and its database server. */
export interface LambdaFunction {
  /** The runtime's command line, without the function's file. */
  command: string[]
  engine: 'postgres' | 'mysql'
  /** The server's URL. */
  backend: string
}

// Long enough for a login on a busy machine. Only the freezes wait until it expires.
const SESSION_MS = 6_000
const TIME_LIMIT_MS = 90_000

/**
 * Freezes a function twice until its token has expired, and invokes it after each freeze. The first time its connection
 * is still open and is used again. The second time the server has closed its connections meanwhile. Each new connection
 * must log in with a valid token.
 *
 * @throws the assertion that failed
 */
export async function freezeAcrossTokenEnd({ command, engine, backend }: LambdaFunction): Promise<void> {
  const [program = '', ...args] = command
  const issued: (TestIdentity & { expiration: Date })[] = []
  const rds = await startLocalRds({ engine, backend })
  const credentials = await startCredentialEndpoints({
    lifetimeMs: SESSION_MS,
    onIssued(identity) {
      issued.push(identity)
      rds.setIdentities(issued)
    },
  })
  const folder = await mkdtemp(join(tmpdir(), 'rds-iam-lambda-'))
  await writeFile(join(folder, 'ca.pem'), rds.ca)

  const lambda = startFunction(program, args, {
    ...credentials.env.container,
    AWS_REGION: rds.region,
    NODE_EXTRA_CA_CERTS: join(folder, 'ca.pem'),
    DB_HOST: 'localhost',
    DB_PORT: `${rds.port}`,
    DB_USER: rds.user,
    DB_NAME: rds.database,
  })
  const limit = setTimeout(() => lambda.kill(), TIME_LIMIT_MS)
  const tokenEnds = () => delay((issued.at(-1)?.expiration.getTime() ?? 0) - Date.now())
  try {
    const [first] = await lambda.invoke({ connections: 1 })
    lambda.freeze()
    await tokenEnds()
    lambda.thaw()
    const [same, second] = await lambda.invoke({ connections: 2 })
    assert.equal(same, first)
    assert.notEqual(second, first)

    lambda.freeze()
    await tokenEnds()
    rds.dropConnections()
    lambda.thaw()
    await lambda.lost(2)
    const [third] = await lambda.invoke({ connections: 1 })
    assert.ok(third !== first && third !== second, 'the third session is a new one')
    assert.equal(await lambda.end(), 0)

    assert.deepEqual(
      rds.logins.map(({ verdict, reason }) => reason ?? verdict),
      ['accepted', 'accepted', 'accepted'],
    )
    assert.equal(new Set(rds.logins.map(({ accessKeyId }) => accessKeyId)).size, 3)
  } finally {
    clearTimeout(limit)
    lambda.kill()
    await rds.close()
    await credentials.close()
    await rm(folder, { recursive: true })
  }
}
