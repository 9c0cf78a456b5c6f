export { mysql2Config, type Mysql2Config, type Mysql2Login, type Mysql2Options } from './mysql2/mysql2-config'
export type { ClearPasswordPlugin } from './mysql2/clear-password'
