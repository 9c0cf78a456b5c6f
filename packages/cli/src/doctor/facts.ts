import type { Address } from '@rds-iam/core/internal'
import type { LoginOptions } from '../login/options'

/** What is known after the check `dns`: the options, and the endpoint behind the dialled name if DNS tells it. */
export type EndpointFacts = LoginOptions

/** What is known before the check `credentials`: also the region to sign for, if there is one. */
export interface RegionFacts extends EndpointFacts {
  readonly signedRegion?: string | undefined
}

/** What is known before the check `token`: the endpoint and region to sign for, and the identity if STS returned it. */
export interface TokenFacts extends RegionFacts {
  readonly endpoint: Address
  readonly signedRegion: string
  readonly account?: string | undefined
  /** The ARN of the identity. */
  readonly arn?: string | undefined
}

/** The database to log in to. The default for PostgreSQL is one that every server has; MySQL needs none. */
export function databaseOf({
  engine,
  database,
}: Pick<LoginOptions, 'engine' | 'database'>): string | undefined {
  return database ?? (engine === 'postgres' ? 'postgres' : undefined)
}
