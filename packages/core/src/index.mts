export { createTokenProvider, isRdsIamError, parseEndpoint, RdsIamError } from './index.js'
export type {
  AuthToken,
  ConnectionLostEvent,
  CredentialsShortLivedEvent,
  EndpointKind,
  IamOptions,
  LoginRefusedEvent,
  ParsedEndpoint,
  RdsIamErrorCode,
  TokenProvider,
  TokenProviderOptions,
  TokenRenewalFailedEvent,
  TokenReusedEvent,
  TokenSignedEvent,
} from './index.js'
