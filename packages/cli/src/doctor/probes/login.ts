import type { AwsCredentialIdentity } from '@smithy/types'
import type { LoginObservation } from '../checks/login'
import type { ServerObservation } from '../checks/server'
import type { Engine } from '../../engine'
import { addressText, databaseOf, type Subject } from '../subject'
import { logInToMysql } from './mysql-login'
import { logInToPostgres } from './postgres-login'
import type { Address } from '../../login-options'

/** How a login went, and what the session then said. */
export interface LoginProbe {
  observation: LoginObservation
  server?: ServerObservation
}

/** The options of a login that both drivers' configurations take. */
export interface DriverOptions {
  host: string
  port: number
  user: string
  database?: string
  ssl?: { ca: string }
  iam: { region?: string; endpoint: string; credentials: AwsCredentialIdentity }
}

const LOGINS: Readonly<Record<Engine, (options: DriverOptions) => Promise<LoginProbe>>> = {
  postgres: logInToPostgres,
  mysql: logInToMysql,
}

/** Logs in as an application does, with its driver. */
export function probeLogin(
  subject: Subject,
  endpoint: Address,
  credentials: AwsCredentialIdentity,
): Promise<LoginProbe> {
  const { engine, dial, user, ca, signedRegion } = subject
  const database = databaseOf(subject)
  return LOGINS[engine]({
    ...dial,
    user,
    ...(database === undefined ? {} : { database }),
    ...(ca ? { ssl: { ca: ca.pem } } : {}),
    iam: {
      credentials,
      endpoint: addressText(endpoint),
      ...(signedRegion === undefined ? {} : { region: signedRegion }),
    },
  })
}
