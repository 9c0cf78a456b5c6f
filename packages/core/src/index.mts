export { createTokenProvider, isRdsIamError, parseEndpoint, RdsIamError } from './index.js'
export type {
  AuthToken,
  ClusterTarget,
  ConnectionLostEvent,
  ConnectionRetiredEvent,
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
  WriterMovedEvent,
} from './index.js'
