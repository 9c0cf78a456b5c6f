export { parseEndpoint, type EndpointKind, type ParsedEndpoint } from './endpoint/parse-endpoint'
export { isRdsIamError, RdsIamError, type RdsIamErrorCode } from './errors'
export type {
  ConnectionLostEvent,
  CredentialsShortLivedEvent,
  LoginRefusedEvent,
  TokenRenewalFailedEvent,
  TokenReusedEvent,
  TokenSignedEvent,
} from './events'
export type { IamOptions } from './iam-options'
export type { AuthToken } from './token/auth-token'
export { createTokenProvider, type TokenProvider, type TokenProviderOptions } from './token/token-provider'
