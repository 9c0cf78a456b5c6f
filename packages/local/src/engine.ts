/** A database engine, in RDS's words. */
export type Engine = 'postgres' | 'mysql'
