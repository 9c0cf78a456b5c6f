import type { CheckedOptions } from '@rds-iam/core'
import type { Diagnosis } from './doctor/report'
import type { ApplicationOptions } from './login/options'

export type { Cause, CauseCode, CheckName, ReportedFinding } from './doctor/finding'
export type { Diagnosis } from './doctor/report'
export type { ApplicationOptions, Engine } from './login/options'

/**
 * Finds out why a login fails, from inside an application: runs the checks of `rds-iam doctor`, logs in once, and gives
 * what `rds-iam doctor --json` prints. Takes what `pgConfig` or `mysql2Config` takes; a `stream` is refused. Prints
 * nothing. Takes up to a minute if DNS, AWS or the server does not answer.
 *
 * @throws {RdsIamError} `INVALID_OPTION`, `TLS_REQUIRED`, before anything is dialled. A login that fails is no error.
 * @example
 * ```ts
 * const { ok, causes } = await diagnose({ host, user: 'app', database: 'shop' })
 * if (!ok) console.error(causes[0])
 * ```
 */
export async function diagnose<T extends ApplicationOptions>(
  options: T & CheckedOptions<T>,
): Promise<Diagnosis> {
  // Load doctor when it is needed: importing this function costs an application almost nothing.
  const { diagnoseLogin } = require('./doctor/diagnose') as typeof import('./doctor/diagnose')
  return diagnoseLogin(options)
}
