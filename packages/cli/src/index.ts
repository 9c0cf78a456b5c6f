import type { CheckedOptions } from '@rds-iam/core'
import type { Diagnosis } from './doctor/report'
import type { ApplicationOptions } from './login/options'

export type { Cause, CauseCode, CheckName, ReportedFinding } from './doctor/finding'
export type { Diagnosis } from './doctor/report'
export type { Engine } from '@rds-iam/core/internal'
export type { ApplicationOptions } from './login/options'

/**
 * Finds out why a login fails, from inside an application: runs the checks of `rds-iam doctor`, logs in once, and
 * returns the object that `rds-iam doctor --json` prints. Takes the options of `pgConfig` or `mysql2Config`, except for
 * `stream`. Prints nothing. Takes up to a minute if DNS, AWS or the server does not answer.
 *
 * @throws {RdsIamError} `INVALID_OPTION`, `TLS_REQUIRED`, before it dials. It does not reject when the login fails.
 * @example
 * ```ts
 * const { ok, causes } = await diagnose({ host, user: 'app', database: 'shop' })
 * if (!ok) console.error(causes[0])
 * ```
 */
export async function diagnose<T extends ApplicationOptions>(
  options: T & CheckedOptions<T>,
): Promise<Diagnosis> {
  // Load doctor only when it is needed, so that the import costs an application almost nothing.
  const { runChecks } = require('./doctor/doctor') as typeof import('./doctor/doctor')
  const { readApplicationOptions } = require('./login/options') as typeof import('./login/options')
  return runChecks(readApplicationOptions(options))
}
