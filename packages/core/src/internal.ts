/**
 * Internal functions that rds-iam's own packages share. Not covered by semantic versioning: they may change in any
 * release.
 *
 * @module
 */
export { isLoopback, readAddress, type Address, type PartialAddress } from './address'
export { otherService } from './endpoint/parse-endpoint'
export { profileRegion, resolveRegion } from './endpoint/region'
export { withTimeout } from './with-timeout'
export { builtInCas, bundleUrl } from './tls/ca-certificates'
export { dsqlAction } from './token/sign'
export { SigningCredentials, type Credentials } from './token/credentials'
