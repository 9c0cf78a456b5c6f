export { mysql2Config, type Mysql2Config, type Mysql2Login } from './mysql2/mysql2-config'
export type { Mysql2Options } from './mysql2/mysql2-options'
export type { ClearPasswordPlugin } from './mysql2/clear-password'
