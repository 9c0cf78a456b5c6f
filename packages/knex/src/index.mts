export { mysql2Connection, pgConnection } from './index.js'
