export { pgConfig, type PgConfig, type PgLogin, type PgOptions } from './pg.js'
