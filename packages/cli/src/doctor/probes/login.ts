import type { AwsCredentialIdentity } from '@smithy/types'
import type { TokenTarget } from '../alternatives'
import type { LoginObservation } from '../checks/login'
import type { Engine } from '../../login/engine'
import { addressText } from '../../login/options'
import { databaseOf, type Subject } from '../subject'
import { logInToMysql } from './mysql-login'
import { logInToPostgres } from './postgres-login'
import type { DriverOptions } from './session'

type Login = (options: DriverOptions, limitMs: number) => Promise<LoginObservation>

const LOGINS: Readonly<Record<Engine, Login>> = { postgres: logInToPostgres, mysql: logInToMysql }
const LIMIT_MS = 10_000

/** Logs in as an application does, with its driver and a token for `target`. */
export function probeLogin(
  subject: Subject,
  { endpoint, region }: TokenTarget,
  credentials: AwsCredentialIdentity,
): Promise<LoginObservation> {
  const { engine, dial, user, ca } = subject
  const database = databaseOf(subject)
  const options = {
    ...dial,
    user,
    ...(database === undefined ? {} : { database }),
    ...(ca ? { ssl: { ca: ca.pem } } : {}),
    iam: { credentials, endpoint: addressText(endpoint), region },
  }
  return LOGINS[engine](options, LIMIT_MS)
}
