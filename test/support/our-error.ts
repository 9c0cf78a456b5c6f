import { isRdsIamError, type RdsIamError } from '@rds-iam/core'

/** Finds our error: a driver's error itself, or an error of its `cause` chain. */
export function ourErrorIn(error: unknown): RdsIamError | undefined {
  if (error === undefined || isRdsIamError(error)) return error
  return ourErrorIn((error as Error).cause)
}
