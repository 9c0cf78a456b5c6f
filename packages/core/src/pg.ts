export { pgConfig, type PgConfig, type PgLogin } from './pg/pg-config'
export type { PgOptions } from './pg/pg-options'
