/** A database engine, as RDS names it. */
export type Engine = 'postgres' | 'mysql'

/** Default endpoint names. */
export const DEFAULT_ENDPOINTS: readonly string[] = ['localhost', '127.0.0.1']

/** Default database users. */
export const DEFAULT_USERS: readonly string[] = ['jane_doe']

/** Default region. */
export const DEFAULT_REGION = 'us-east-1'
