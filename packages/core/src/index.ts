export { parseEndpoint, type EndpointKind, type ParsedEndpoint } from './endpoint/parse-endpoint'
export { isRdsIamError, RdsIamError, type RdsIamErrorCode } from './errors'
export type {
  ConnectionLostEvent,
  ConnectionRetiredEvent,
  CredentialsShortLivedEvent,
  LoginRefusedEvent,
  TokenRenewalFailedEvent,
  TokenReusedEvent,
  TokenSignedEvent,
  WriterMovedEvent,
} from './events'
export type { CheckedOptions, ClusterTarget, IamOptions } from './iam-options'
export { retryConflicts, type RetryOptions } from './retry-conflicts'
export {
  createTokenProvider,
  type AuthToken,
  type TokenProvider,
  type TokenProviderOptions,
} from './token/tokens'
