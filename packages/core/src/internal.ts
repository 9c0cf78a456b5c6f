/**
 * Internal functions that rds-iam's own packages share. Not covered by semantic versioning: they may change in any
 * release.
 *
 * @module
 */
export { isLoopback, readAddress, type Address } from './address'
export { profileRegion, resolveRegion } from './endpoint/region'
export { withTimeout } from './with-timeout'
export { builtInCas, bundleUrl } from './tls/ca-certificates'
export { SigningCredentials, type Credentials } from './token/credentials'
