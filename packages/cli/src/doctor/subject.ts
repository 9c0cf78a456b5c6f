import type { Engine } from '../login/engine'
import type { LoginOptions } from '../login/options'

/** What a diagnosis is about, as far as it is known by now. */
export interface Subject extends LoginOptions {
  /** The region that is signed for. */
  signedRegion?: string
  /** The account of the identity, where STS or the credentials say it. */
  account?: string | undefined
}

/** The database to log in to: without one given, the one that every PostgreSQL has; MySQL needs none. */
export function databaseOf({ engine, database }: { engine: Engine; database?: string }): string | undefined {
  return database ?? (engine === 'postgres' ? 'postgres' : undefined)
}
