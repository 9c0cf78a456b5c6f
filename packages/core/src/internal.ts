/**
 * Internal functions that rds-iam's own packages share. Not covered by semantic versioning: they may change in any
 * release.
 *
 * @module
 */
export { isLoopback, readAddress, readHost, type Address, type PartialAddress } from './address'
export {
  encodePacket,
  encodePassword,
  encodeTlsRequest,
  MARKERS,
  MysqlServerError,
  offersTls,
  readError,
  requestsPassword,
} from './cluster/mysql-packets'
export { openMysql, readBytes, readPacket, startMysqlTls } from './cluster/mysql-probe'
export { otherService } from './endpoint/parse-endpoint'
export { profileRegion, resolveRegion } from './endpoint/region'
export { invalidOption } from './errors'
export type { IamSettings } from './iam-options'
export { Login } from './login/login'
export { DEFAULT_PORTS, namedEndpoint, type Engine, type LoginTarget } from './login/login-target'
export { readMysql2Options } from './mysql2/mysql2-options'
export { readPgOptions } from './pg/pg-options'
export { openTls } from './postgres/open-tls'
export { builtInCas, bundleUrl } from './tls/ca-certificates'
export type { SslOptions } from './tls/ssl-option'
export { SigningCredentials, type Credentials } from './token/credentials'
export { dsqlAction } from './token/sign'
export { withTimeout } from './with-timeout'
