/**
 * What rds-iam's own packages share. Nobody else's: it may change in any release, whatever semantic versioning
 * says of the rest.
 *
 * @module
 */
export { isLoopback } from './endpoint/parse-endpoint'
export { profileRegion, resolveRegion } from './endpoint/region'
export { parseAddress, type Address } from './iam-options'
export { withTimeout } from './with-timeout'
export { builtInTrust, bundleUrl } from './tls/trust'
export { SigningCredentials, type Credentials } from './token/credentials'
