export { mysqlDialectConfig, postgresDialectConfig } from './index.js'
