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
export type { CheckedOptions, IamOptions } from './iam-options'
export {
  createTokenProvider,
  type AuthToken,
  type TokenProvider,
  type TokenProviderOptions,
} from './token/tokens'
