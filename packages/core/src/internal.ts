/**
 * Internal functions that rds-iam's own packages share. Not covered by semantic versioning: they may change in any
 * release.
 *
 * @module
 */
export { isLoopback, readAddress, readHost, type Address, type PartialAddress } from './address'
export { leastUsed } from './cluster/cluster'
export { readClusterNames } from './cluster/cluster-names'
export { isOutage, isUnusable } from './cluster/failures'
export { readAnswer } from './cluster/postgres-probe'
export {
  encodeLogin,
  encodePacket,
  encodePassword,
  isEnd,
  MARKERS,
  MysqlServerError,
  offersTls,
  readError,
  readRow,
  requestsPassword,
} from './cluster/mysql-packets'
export { openMysql, openMysqlProbe, readBytes, readPacket, startMysqlTls } from './cluster/mysql-probe'
export { invalidOption } from './errors'
export type { IamSettings } from './iam-options'
export { profileRegion, resolveRegion } from './endpoint/region'
export { Login } from './login/login'
export type { LoginTarget } from './login/login-target'
export { openTls } from './postgres/open-tls'
export { readMysql2Options } from './mysql2/mysql2-options'
export { ServerAnswers } from './mysql2/server-answers'
export { readPgOptions } from './pg/pg-options'
export { withTimeout } from './with-timeout'
export { builtInCas, bundleUrl } from './tls/ca-certificates'
export type { SslOptions } from './tls/ssl-option'
export { SigningCredentials, type Credentials } from './token/credentials'
