/**
 * Internal functions that rds-iam's own packages share. Not covered by semantic versioning: they may change in any
 * release.
 *
 * @module
 */
<<<<<<< HEAD
export { isLoopback, readAddress, type Address, type PartialAddress } from './address'
export { leastUsed } from './cluster/cluster'
export { readClusterNames } from './cluster/cluster-names'
export { isOutage, isUnusable } from './cluster/failures'
export { readAnswer } from './cluster/postgres-probe'
export { encodeLogin, isEnd, offersTls, readError, readRow, requestsPassword } from './cluster/mysql-packets'
export { openMysqlProbe } from './cluster/mysql-probe'
export { otherService } from './endpoint/parse-endpoint'
=======
export { isLoopback, readAddress, type Address } from './address'
>>>>>>> tidy
export { profileRegion, resolveRegion } from './endpoint/region'
export { withTimeout } from './with-timeout'
export { builtInCas, bundleUrl } from './tls/ca-certificates'
export { dsqlAction } from './token/sign'
export { SigningCredentials, type Credentials } from './token/credentials'
