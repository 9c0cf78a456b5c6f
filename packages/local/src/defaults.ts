/** A database engine: PostgreSQL or MySQL on RDS, or Aurora DSQL, which is PostgreSQL to its clients. */
export type Engine = 'postgres' | 'mysql' | 'dsql'

/** Default endpoint names. */
export const DEFAULT_ENDPOINTS: readonly string[] = ['localhost', '127.0.0.1']

/** Default database users. */
export const DEFAULT_USERS: readonly string[] = ['jane_doe']

/** Administrator of a DSQL cluster. It always exists, and needs the action `DbConnectAdmin`. */
export const DSQL_ADMIN = 'admin'

/** The only database of a DSQL cluster. */
export const DSQL_DATABASE = 'postgres'

/** Default region. */
export const DEFAULT_REGION = 'us-east-1'
