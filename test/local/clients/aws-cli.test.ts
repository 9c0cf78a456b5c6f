import { beforeAll } from 'vitest'
import { run } from './command'
import { mariadbClient, psqlClient } from './command-line'
import { tamper, testClient, type Attempt } from './contract'
import { requirePrograms } from './programs'

const PROGRAMS = { aws: 'awscli', psql: 'postgresql-client', mariadb: 'mariadb-client' }

beforeAll(() => requirePrograms(PROGRAMS), 600_000)

/** The token of an attempt as `aws rds generate-db-auth-token` prints it. */
async function awsToken({ rds, region, signedFor, tampered }: Attempt): Promise<string> {
  const target = ['--hostname', 'localhost', '--port', String(rds.port), '--username', signedFor]
  const token = await run('aws', ['rds', 'generate-db-auth-token', '--region', region, ...target], {
    ...rds.env,
    AWS_CONFIG_FILE: '/dev/null',
    AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
  })
  return tampered ? tamper(token) : token
}

testClient('psql with tokens of the AWS command line', 'postgres', psqlClient(awsToken))
testClient('the mariadb client with tokens of the AWS command line', 'mysql', mariadbClient(awsToken))
