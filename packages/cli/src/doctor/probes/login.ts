import type { Engine } from '@rds-iam/core/internal'
import type { AwsCredentialIdentity } from '@smithy/types'
import type { LoginObservation } from '../checks/login'
import { addressText } from '../../login/options'
import { databaseOf, type TokenFacts } from '../facts'
import { logInToMysql } from './mysql-login'
import { logInToPostgres } from './postgres-login'
import { closeSession, describeServer, type OpenSession } from './session'

/** The login of each engine's driver. */
export const LOGINS: Readonly<Record<Engine, OpenSession>> = {
  postgres: logInToPostgres,
  mysql: logInToMysql,
}
const LIMIT_MS = 10_000

/** Logs in as an application does, with its driver and a token for the endpoint and region of `facts`. */
export async function probeLogin(
  facts: TokenFacts,
  credentials: AwsCredentialIdentity,
): Promise<LoginObservation> {
  const { engine, dial, endpoint, signedRegion: region, user, ssl } = facts
  const options = {
    ...dial,
    user,
    database: databaseOf(facts),
    ssl,
    iam: { credentials, endpoint: addressText(endpoint), region },
  }
  const { session, ...login } = await LOGINS[engine](options, LIMIT_MS)
  if (!session) return login
  const server = await describeServer(session)
  await closeSession(session)
  return { ...login, server }
}
