export { mariadbConfig, type MariadbConfig, type MariadbLogin, type MariadbOptions } from './mariadb.js'
